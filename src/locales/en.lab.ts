import { count } from "./count.ts";

const deathOf = (generation: number, overlap: string | null) =>
  overlap
    ? `The refresh token of generation ${generation} works for up to ${overlap} more.`
    : `The refresh token of generation ${generation} is no longer valid.`;

/** The lab. Rows are those of the rule of rotation, in its order; generations are numbers. */
export const lab = {
  title: "Token lab",
  description:
    "Watch an access token and a refresh token at work: lose a response, open five tabs, steal a token, and see what the server decides.",
  guestLead:
    "This is a throwaway session: its tokens are real, but open nothing. It is gone after an hour. The rule is the same as for everybody who is signed in.",
  start: "Start, without an account",
  startAgain: "Start again",
  verdict: "What happened",
  tokens: "Both tokens",
  aboutActs: "What each button does",
  exchange: "The request",
  exchangeHint: "What goes over the wire will stand here, as a command to copy.",
  share: "A link that plays this back",
  copyLink: "Copy link",
  runTitle: "A run in the token lab",
  runDescription: (n: number) =>
    `${count(n, "event", "events")} in the life of a session, and what the server decided. Below it, what strict rotation and no rotation would have done.`,
  runLead:
    "Somebody did this in the token lab. It is played back by the model of the rule, from the events and the time between them; nothing else is in the link.",
  runAgain: "Show all of it",
  runFromStart: "From the start",
  rowsLead: "Decided by:",
  runPlace: (n: number, all: number) => `${n} of ${all}`,
  try: "Try it yourself",
  key: {
    access: "access token",
    refresh: "refresh token",
    overlap: "overlap",
    use: "first use",
    ghost: "signed in, by another rule",
    thief: "a thief is in",
  },
  ghosts: "The same events, by other rules (from the model)",
  ghostNames: { strict: "Strict rotation", none: "No rotation" },
  fates: {
    accident: (n: number) => `at ${n} you are signed out for nothing`,
    caught: (n: number) => `at ${n} the thief is caught`,
    undisturbed: "the thief stays in, unnoticed",
    fine: "nothing happens",
  },
  tryNext: {
    refresh: "Try next: lose the response, and refresh again.",
    lose: "Try next: refresh again, with the old token.",
    tabs: "Try next: steal the refresh token.",
    expire: "Try next: refresh in sixteen programs.",
    agents: "Try next: steal the refresh token.",
    late: "Try next: steal the refresh token, and let the thief be late.",
    steal: "Try next: refresh, wait until the pale bar has ended, and use the copy. Or use it at once.",
    replay: "Try next: refresh. Whoever comes second, after the overlap, is noticed.",
    copied: "Try next: refresh. Your browser comes second now.",
  } as Partial<Record<string, string>>,
  lead: "This is your own session with its real tokens, and every button really does what it says. Using a stolen copy can sign you out on this device, and on no other.",
  why: "Why two tokens?",
  whyAccess: (life: string) =>
    `Every request carries the access token, so it may leak: it lasts ${life} only.`,
  whyRefresh: (life: string, session: string) =>
    `The refresh token goes to /auth only, where it is exchanged for the next pair, one generation up: that is rotation. It lasts ${life}; after ${session} you sign in again.`,
  whyRotation:
    "Rotation exposes theft: if an old token comes back although the new one is in use, someone has a copy, and the session ends. Lost responses and parallel tabs, though, look the same. So:",
  ruleLead: "A refresh token dies when its successor is first used, not when its successor is issued.",
  used: "Used: either new token has reached the server.",
  overlap: (life: string) =>
    `For other tabs and late requests the old one works up to ${life} longer: the overlap.`,
  strict: "There is no overlap here: the server is set to strict.",
  access: "Access token",
  accessNote:
    "Sent with every request to prove who you are. Its cookie is HttpOnly, so no script can read it.",
  refresh: "Refresh token",
  refreshNote:
    "Sent to /auth only, to get the next pair. The signature is left out here: with it, this would be a key to your account.",
  holds: (held: number) => `Your browser holds generation ${held}, the newest.`,
  holdsOlderThanThief: (held: number, newest: number) =>
    `Your browser holds generation ${held}. The newest is ${newest}, and the thief has it.`,
  holdsOlder: (held: number, newest: number) =>
    `Your browser holds generation ${held}. The newest is ${newest}: its response never reached you.`,
  header: "Header",
  claims: "Claims",
  guestSub: "whose it is: nobody's, so its session's ID",
  meanings: {
    alg: "how it is signed",
    kid: "ID of the key that signed it",
    typ: "its kind, so that neither is accepted as the other",
    iss: "who issued it",
    aud: "who may accept it",
    sub: "your user ID",
    sid: "ID of this session",
    gen: "generation of this pair, counted from 1",
    username: "your name",
    client_id: "the client it was issued to",
    type: "the same as typ, in words",
    jti: "ID of this token",
    auth_time: "you last proved who you are:",
    amr: "how you did (RFC 8176)",
    iat: "issued:",
    exp: "expires:",
  },
  left: { day: " d ", text: "{} left" },
  over: "over",
  until: "Expires",
  nothingSent: "No connection. Nothing was done.",
  ended: "session ended",
  now: "now",
  you: "you",
  thief: "thief",
  generation: "gen {}",
  timeline: "Timeline of this session",
  timelineHint:
    "One row per generation. Thin bar: its access token until it expires. Thick bar: its refresh token from issue to end, the pale part being the overlap. Dot: first use. Numbers: the entries of the log below.",
  waiting: "Press a button to see what happens.",
  actions: "Try it",
  log: "Log",
  decidedBy: "Decided by",
  answered: (newest: number) => `The server responded with generation ${newest}.`,
  goOn: "See what your browser shows now",
  rule: "The rule in full",
  shown: "What the server does depends on which refresh token arrives:",
  acts: {
    refresh: ["Refresh now", "Your browser trades its refresh token for the next pair."],
    lose: [
      "Lose the response",
      "The server refreshes, but its response never arrives. Refresh again: you stay signed in.",
    ],
    expire: [
      "Expire the access token",
      "Your browser drops it, as on expiry. The page gets a new one by itself.",
    ],
    tabs: ["Refresh in five tabs", "Five requests send the same refresh token at once."],
    agents: [
      "Refresh in sixteen programs",
      "Sixteen programs hold one token. One refreshes and uses what it gets; the others still send the old one.",
    ],
    late: ["Arrive late", "A request is held up on its way, while you refresh and go on."],
    steal: [
      "Steal the refresh token",
      "A thief copies it. Next: refresh, wait for the overlap to end, then use the copy.",
    ],
    replay: [
      "Use the stolen copy",
      "The thief refreshes with the copy and uses the result. Try it before your own refresh, too.",
    ],
    copied: [
      "Use a copied cookie elsewhere",
      "Another browser sends your refresh cookie, and nothing else. Where the session is bound to your device, that opens nothing.",
    ],
  },
  happened: {
    refresh: (g: number, _overlap: string | null) => `You refreshed with generation ${g}.`,
    lose: (g: number) =>
      `You refreshed with generation ${g}, but the response was lost: you still hold ${g}.`,
    expire: () => "Your browser dropped the access token.",
    tabs: (g: number, _overlap: string | null, n: number) =>
      `${count(n, "tab", "tabs")} sent generation ${g} at once; same refresh token for all.`,
    agents: (g: number, _overlap: string | null, n: number) =>
      `${count(n, "program", "programs")} sent generation ${g}, one before the others: only one new pair was made.`,
    late: (g: number) =>
      `You refreshed with generation ${g} and went on; then an earlier request arrived, with generation ${g} too.`,
    copied: (g: number) => `Another browser sent a copy of generation ${g}.`,
    steal: (g: number) => `A thief copied the refresh token of generation ${g}.`,
    replay: (g: number) => `The thief tried generation ${g}.`,
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
    ended: ["any token of a session that has ended", "Refused, with the reason."],
    newest: [
      "the newest",
      "The next generation is issued. This token stays valid until that one is first used.",
    ],
    kept: [
      "the newest, while one two steps behind may still arrive",
      "Itself again: with one more step the server could no longer tell when that one expires. A moment later it steps again.",
    ],
    unconfirmed: [
      "the one before, whose successor is still unused",
      "The same successor again: the response was lost, or another tab was faster. Nobody is signed out.",
    ],
    overlap: [
      "an older one, within the overlap",
      "The newest pair again: most likely another tab, or a request that was held up. A thief this quick gets it too; then both hold one token, and whoever uses it after the other has moved on is noticed.",
    ],
    reuse: [
      "an older one, after the overlap",
      "Theft: two parties hold this session. The server cannot tell which is you, so it ends for both; only you can sign in again. No other session ends.",
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
