/** The lab. Rows are those of the rule of rotation, in its order. */
export const lab = {
  title: "Lab",
  lead: "This is your own session, and these are its two tokens. Whatever you press here is really done.",
  access: "Access token",
  accessNote:
    "Proves who is calling, to every route, for a few minutes. Its cookie is HttpOnly: no script reads it.",
  refresh: "Refresh token",
  refreshNote:
    "Fetches the next pair, and goes to /auth only. Shown without its signature, which would make it a key to your account.",
  header: "Header",
  claims: "Claims",
  left: "left",
  over: "over",
  timeline: "Timeline of this session",
  timelineHint:
    "Upper bars: access tokens, for as long as they are good. Lower bars: refresh tokens, from their issue to their successor's first use; the dashed end is the overlap. Circles: what you did.",
  waiting: "Do something, and it shows here.",
  actions: "What can happen",
  log: "What happened",
  decidedBy: "Decided by row",
  generation: "generation",
  goOn: "See what the owner of the session sees now",
  rule: "The rule",
  ruleLead: "A refresh token dies when its successor is first used, not when its successor is issued.",
  shown: "What is done with a refresh token depends on which one it is:",
  acts: {
    refresh: ["Refresh now", "Shows the newest refresh token. It gets a successor."],
    lose: ["Lose this response", "The server makes the successor, and you never hear of it."],
    expire: [
      "Let the access token expire",
      "Your browser forgets it, as it does when its time is over. The next request finds a new one by itself.",
    ],
    tabs: ["Five tabs at once", "Five requests show the same refresh token at the same moment."],
    steal: ["Steal the refresh token", "A copy of it is put aside, as a thief would have one."],
    replay: [
      "Use the stolen copy",
      "Whoever has the copy shows it. If you have used its successor for longer than the overlap, this is the end.",
    ],
  },
  happened: {
    refresh: "You refreshed.",
    lose: "The answer was lost. Your browser still has the old refresh token; refresh again and see.",
    expire: "The access token was gone; the page noticed, refreshed and asked again.",
    tabs: "Five requests asked at once.",
    steal: "A copy was put aside. Refresh, let a moment pass, then use the copy.",
    replay: "The copy was used.",
    nothingStolen: "There is no stolen copy. Steal one first.",
  },
  rows: {
    ended: ["of a session that is over", "Refused, with the reason."],
    newest: ["the newest one", "It gets a successor: the generation grows by one."],
    unconfirmed: [
      "the one before, whose successor nobody has used",
      "The same successor again: the answer was lost. Nothing forks, nobody is signed out.",
    ],
    overlap: [
      "the one before, whose successor was first used moments ago",
      "The same successor again: this is another tab.",
    ],
    reuse: [
      "an older one, whose successor has been in use",
      "Theft: somebody kept a copy. This session ends, and only this one.",
    ],
    unknown: ["newer than the server knows", "Refused, and nothing ends: a database restored from a backup."],
  },
};
