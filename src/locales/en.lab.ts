const deathOf = (generation: number, overlap: string | null) =>
  overlap
    ? `The refresh token of generation ${generation} dies in ${overlap}.`
    : `The refresh token of generation ${generation} is dead.`;

/** The lab. Rows are those of the rule of rotation, in its order; generations are numbers. */
export const lab = {
  title: "Lab",
  lead: "This is your own session, and these are its real tokens. Whatever you press here is really done to it.",
  why: "Why there are two tokens",
  whyAccess: (life: string) =>
    `The access token goes along with every request. What is shown so often may be seen by somebody, so it is good for ${life} only.`,
  whyRefresh: (life: string, session: string) =>
    `The refresh token goes to one place, /auth, where it fetches the next pair: its successor, one generation up. It is good for ${life}. Each refresh starts them anew, but after ${session} the session ends whatever happens.`,
  whyRotation:
    "So each refresh token is needed once. If an old one turns up although its successor is in use, two parties hold the same session, and one of them is a thief. But it may also turn up because an answer was lost, or because five tabs asked at once. That is what the rule tells apart:",
  ruleLead: "A refresh token dies when its successor is first used, not when its successor is issued.",
  used: "“Used” is the first time that any token of the new generation, access or refresh, reaches the server.",
  overlap: (life: string) =>
    `For the sake of other tabs, and of requests that are held up on their way, the old one is still accepted for ${life} after that: the overlap.`,
  strict: "There is no overlap here: the rule is set to be strict.",
  access: "Access token",
  accessNote: "Proves who is calling, on every route. Its cookie is HttpOnly: no script reads it.",
  refresh: "Refresh token",
  refreshNote:
    "Fetches the next pair, and goes to /auth only. Shown without its signature, which would make it a key to your account.",
  holds: (held: number) =>
    `Your browser holds generation ${held}, which is the newest that the server has made.`,
  holdsOlderThanThief: (held: number, newest: number) =>
    `Your browser holds generation ${held}. The newest that the server has made is ${newest}: the thief has it, you do not.`,
  holdsOlder: (held: number, newest: number) =>
    `Your browser holds generation ${held}. The newest that the server has made is ${newest}: that answer has not reached you.`,
  header: "Header",
  claims: "Claims",
  meanings: {
    alg: "how it is signed",
    kid: "by which of the server’s keys",
    typ: "what it is: no token is taken for one of the other kind",
    iss: "who issued it",
    aud: "for whom",
    sub: "you",
    sid: "your session",
    gen: "the generation of the pair",
    username: "your name",
    client_id: "the program that asked for it",
    type: "the same as typ, in words",
    jti: "this one token",
    iat: "issued:",
    exp: "expires:",
  },
  left: { day: " d ", text: "{} left" },
  over: "over",
  until: "Good until",
  nothingSent: "No connection. Nothing was done.",
  ended: "session ended",
  now: "now",
  you: "you",
  thief: "thief",
  generation: "gen {}",
  timeline: "Timeline of this session",
  timelineHint:
    "One line for each generation. Thin bar: its access token, while that is good. Thick bar: its refresh token, from its issue until it dies; the pale end is the overlap. The dot on it: the generation’s first use. Numbers: what was done, told below under the same numbers.",
  waiting: "Do something, and it shows here.",
  actions: "What can happen",
  log: "What happened",
  decidedBy: "Decided by",
  answered: (newest: number) => `The answer: generation ${newest}.`,
  goOn: "See what the owner of the session sees now",
  rule: "The rule in full",
  shown: "What is done with a refresh token depends on which one it is:",
  acts: {
    refresh: ["Refresh now", "Your browser shows the refresh token that it holds."],
    lose: ["Lose this response", "The same, but the answer never arrives. Then refresh again, and see."],
    expire: [
      "Let the access token expire",
      "Your browser drops it, as it does when it expires. The page finds a new one by itself.",
    ],
    tabs: ["Five tabs at once", "Five requests show the same refresh token at the same moment."],
    agents: [
      "Sixteen agents at once",
      "Sixteen programs hold one token. One refreshes and uses what it gets; the others still show the old one.",
    ],
    late: ["Arrive late", "A request is held up on its way, while you refresh and go on."],
    steal: [
      "Steal the refresh token",
      "A thief takes a copy. Then refresh, and wait until the overlap is over.",
    ],
    replay: [
      "Use the stolen copy",
      "The thief shows what he has, and uses what he gets. Try it before you refresh, too.",
    ],
    copied: [
      "Use a copied cookie elsewhere",
      "Another browser shows your refresh cookie, and nothing else. Where the session is bound to your device, that opens nothing.",
    ],
  },
  happened: {
    refresh: (g: number, _overlap: string | null) => `You refreshed with generation ${g}.`,
    lose: (g: number) => `You refreshed with generation ${g}, and the answer was lost: you still hold ${g}.`,
    expire: () => "Your browser dropped the access token.",
    tabs: (g: number, _overlap: string | null, n: number) =>
      `${n} tabs showed generation ${g} at once, and all got the same refresh token.`,
    agents: (g: number, _overlap: string | null, n: number) =>
      `${n} programs showed generation ${g}, one before the others: there is one line of tokens.`,
    late: (g: number) =>
      `You refreshed with generation ${g} and went on; then a request of before arrived, which shows ${g} too.`,
    copied: (g: number) => `Another browser showed a copy of generation ${g}.`,
    steal: (g: number) => `A thief copied the refresh token of generation ${g}.`,
    replay: (g: number) => `The thief showed generation ${g}.`,
    nothingStolen: () => "There is no stolen copy of this session yet. Steal one first.",
    page: (g: number) =>
      `A page found its access token expired, and refreshed by itself with generation ${g}.`,
    used: (g: number, overlap: string | null) => `Generation ${g} was first used. ${deathOf(g - 1, overlap)}`,
    usedByThief: (g: number, overlap: string | null) =>
      `The thief used generation ${g} first. ${deathOf(g - 1, overlap)}`,
  },
  boundNote:
    "This session is bound to your device: your browser asks for new pairs by signing with a key that never leaves it. No button can do that, so most of these show only that a cookie alone is refused. Let the access token expire, or use a copied cookie elsewhere.",
  rows: {
    ended: ["any token of a session that is over", "Refused, with the reason."],
    newest: [
      "the newest one",
      "It gets a successor, one generation up, and stays good until that is first used.",
    ],
    kept: [
      "the newest one, while one two steps behind may still be shown",
      "Itself again: with one more step the server could no longer tell when that one dies. A moment later it steps again.",
    ],
    unconfirmed: [
      "the one before, while nobody has used its successor",
      "The same successor again: its answer may have been lost, or another tab asked first. Nobody is signed out.",
    ],
    overlap: [
      "an older one, whose successor was first used less than the overlap ago",
      "The newest pair again: most likely another tab, or a request that was held up. A thief this fast gets it too. Then both hold one token, and whoever shows it after the other has gone on sets off the alarm.",
    ],
    reuse: [
      "an older one, whose successor was first used longer ago than the overlap",
      "Theft: two parties hold this session. The server cannot tell which of them is you, so the session ends for both; only you know the password. No other session ends.",
    ],
    bound: [
      "any older one of a session that a key holds, with that key",
      "The newest pair: whoever has the key is no thief, however late.",
    ],
    unproven: [
      "any one of a session that a key holds, without that key",
      "Refused, and nothing ends: without its key a copy opens nothing. The owner is told.",
    ],
    unknown: [
      "one that is newer than the server knows",
      "Refused, and nothing ends: probably the database was restored from a backup.",
    ],
  },
};
