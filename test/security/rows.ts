/** A test file and a test's title in it, as its source has it. */
export type Reference = `${string}: ${string}`;

/** One row of the checklist: what has to hold, and what holds it; or, in words, why it does not. */
export type Row = { id: string; what: string; by?: Reference[]; note?: string };

const tokens: Row[] = [
  {
    id: "A1",
    what: "the two tokens are of different, explicit types",
    by: [
      "tokens: claim what the contract says, and no more",
      "tokens: are each refused in the other's place, the access token for ever",
    ],
  },
  {
    id: "A2",
    what: "iss, sub, aud, exp, iat, jti, sid, client_id are there, of the right types",
    by: ["tokens: claim what the contract says, and no more", "tokens: 1,000 access tokens have 1,000 ids"],
  },
  {
    id: "A3",
    what: "a refresh token lives 7 days, a session 90",
    by: [
      "sessions: ends after 7 idle days, and says so",
      "sessions: ends after 90 days whatever happens, and no token outlives it",
    ],
  },
  {
    id: "A4",
    what: "nothing personal in a token but the username, as the contract says",
    by: ["tokens: claim what the contract says, and no more"],
  },
  {
    id: "A5",
    what: "one algorithm, pinned per key",
    by: [
      "tokens: has a premise: the real one is good",
      "keys: moves to another algorithm by a setting, and nobody is signed out",
    ],
  },
  {
    id: "A6",
    what: "`kid` is set and published",
    by: ["keys: are the public halves, next included, for any origin, to be kept five minutes"],
  },
  {
    id: "A7",
    what: "the token answer is RFC 6749's, `no-store`",
    by: ["oauth: takes a form, or JSON, and answers the pair and no more"],
  },
  {
    id: "A8",
    what: "no token in a URL, a log line, markup or storage that script reads",
    by: [
      "pages: shows no token, in no place",
      "users: logs who and from where, and never a password or a token",
      "tokens: is the only way: a token in the query or a cookie does not count",
    ],
  },
  {
    id: "A9",
    what: "one way to present a token per request",
    by: [
      "tokens: is the only way: a token in the query or a cookie does not count",
      "csrf: is not let through by a made-up Authorization beside the cookie",
    ],
  },
  { id: "A10", what: "scheme in any case, one or more spaces, token68", by: ["tokens: with %s"] },
  {
    id: "A11",
    what: "a sign-in by cookie shows no token, one by API sets no cookie",
    by: [
      "users: signs in at once, with the same answer as a login",
      "pages: one registers, converses, signs out and in again",
    ],
  },
];

const sessions: Row[] = [
  {
    id: "B1",
    what: "signature, algorithm, type, issuer, audience and times before any claim is used",
    by: [
      "tokens: %s is refused",
      "tokens: of our own key with %s is refused",
      "fuzz: token but the real one opens nothing",
    ],
  },
  {
    id: "B2",
    what: "dead in the second that `exp` names; no leeway",
    by: ["tokens: an access token dies in the second that it names"],
  },
  {
    id: "B3",
    what: "an ended session's access token is dead with the next request",
    by: [
      "prove: a revoked session does nothing more",
      "sessions: by refresh token alone ends every token of the session, and may be said twice",
    ],
  },
  {
    id: "B4",
    what: "a deleted or disabled user's tokens are dead",
    by: [
      "sessions: of a disabled user is over at once",
      "endings: needs the password, and takes away all that is one's own",
    ],
  },
  {
    id: "B5",
    what: "every refresh rotates",
    by: ["sessions: answers a new pair of the next generation and leaves the old access token its minutes"],
  },
  {
    id: "B6",
    what: "a replayed refresh token ends its session, access tokens included",
    by: [
      "sessions: by a thief, after the owner's first use of the successor, ends this session and no other",
      "prove: a thief is always caught, and nobody else is",
    ],
  },
  {
    id: "B7",
    what: "refreshing at once forks nothing",
    by: [
      "sessions: 100 at once with one token make one generation and one successor",
      "prove: 100 clients that refresh one token get one successor",
    ],
  },
  {
    id: "B8",
    what: "the overlap does not slide, and is the same for every generation",
    by: ["rotation: %s", "fuzz: moment and generation: only a token whose successor was used is ever reuse"],
    note: "While the successor is unused its parent answers for as long as the session may idle: that is the rule (README), and what makes a lost answer harmless.",
  },
  {
    id: "B9",
    what: "an end is committed before the 401 is answered, and survives a restart",
    by: [
      "endings: has ended for good: neither a restart nor a clock that is set back brings it to life",
      "endings: has not ended for good by a clock that was set just now, and may be set right again",
      "sessions: survives a restart, its end too",
    ],
  },
  {
    id: "B10",
    what: "only a refresh token refreshes, by POST",
    by: [
      "sessions: never ends a session by a token that is forged, malformed, of the wrong type or expired",
      "csrf: /auth/refresh refuses what is no navigation: a foreign <img> carries the cookie too",
    ],
    note: "`GET /auth/refresh` rotates too, on a navigation of the browser only: without it a page could not outlive its access token where there is no script.",
  },
  {
    id: "B11",
    what: "a new password ends every session and begins a new one",
    by: [
      "users: ends every session, also that of a thief in this one, and begins a new one here",
      "users: leaves nothing that a login with the old one opened meanwhile, and of two changes one holds",
    ],
  },
  {
    id: "B12",
    what: "a sign-in starts a new session, whatever is presented",
    by: ["users: starts a new session each time, whatever token comes along"],
  },
  {
    id: "B13",
    what: "signing out may be repeated, and is 204 for what is no token",
    by: [
      "sessions: with what is no token is 204 and ends nothing; with nothing at all 401",
      "oauth: ends the session of a token of either type, and is 200 for anything else",
    ],
  },
  {
    id: "B14",
    what: "signing out needs the refresh token alone",
    by: [
      "sessions: by refresh token alone ends every token of the session, and may be said twice",
      "pages: signing out works with an expired access token, and says to forget what was stored",
    ],
  },
  {
    id: "B15",
    what: "signing out clears the cookies and the caches; back shows nothing",
    by: [
      "pages: signing out works with an expired access token, and says to forget what was stored",
      "browser/sessions: in one tab shows in all of them, and the back button shows nothing private",
    ],
  },
  {
    id: "B16",
    what: "the list of sessions is one's own and holds no credential",
    by: [
      "devices: are listed, the last one seen first, the present one marked, and nothing in them opens anything",
    ],
  },
  {
    id: "B17",
    what: "ending one session, or all, is immediate; somebody else's is 404",
    by: ["devices: are each ended from any other, at once", "devices: are nobody else's to end"],
  },
  {
    id: "B18",
    what: "idle and absolute end, documented and enforced",
    by: ["endings: by %s says so to programs and people: what, when, and on which device"],
  },
  {
    id: "B19",
    what: "rows of what is over go; lists are bounded",
    by: [
      "endings: is forgotten 30 days after its last token has expired",
      "devices: that are over are not listed",
    ],
  },
  {
    id: "B20",
    what: "no refresh token at rest, in no form",
    by: ["sessions: keeps no token and nothing that is one"],
  },
  { id: "B21", what: "refresh tokens are signed", by: ["tokens: %s is refused"] },
  {
    id: "B22",
    what: "nothing in a refresh's body changes what the token is about",
    by: ["sessions: ignores members of the body that would change what the token is about"],
  },
];

const http: Row[] = [
  {
    id: "C1",
    what: "401 carries `WWW-Authenticate`, with `error` only where a token came",
    by: [
      "problem: %s answers in its language, in the one shape",
      "routes: that is not named public refuses a caller without a token, before it looks at anything else",
    ],
  },
  {
    id: "C2",
    what: "every error is problem details (RFC 6749's on /oauth)",
    by: [
      "problem: %s answers in its language, in the one shape",
      "oauth: answers another type, method, origin or too many attempts in that shape too",
    ],
  },
  {
    id: "C3",
    what: "a refused refresh can be told from a failing server",
    by: ["problem: of the database is 503, never 401, and the session goes on after it"],
  },
  {
    id: "C4",
    what: "introspection asks who asks, and says no more than `active: false`",
    by: [
      "oauth: asks who is asking, before anything else",
      "oauth: says of every access token whether it would be accepted now, and nothing of one that would not",
    ],
  },
  {
    id: "C5",
    what: "jwks.json: public members only, unique kids, cacheable, CORS",
    by: ["keys: are the public halves, next included, for any origin, to be kept five minutes"],
  },
  {
    id: "C6",
    what: "the metadata's issuer is the tokens' issuer",
    by: [
      "oauth: are for any origin, cacheable, under the one issuer",
      "oauth: oauth4webapi: discovers, gets a pair, refreshes, introspects, revokes",
    ],
  },
  {
    id: "C7",
    what: "201, 200, 204, 409, 413, 415, 422, 429 where they belong",
    by: ["headers: are on every %i: %s %s", "problem: %s answers in its language, in the one shape"],
  },
  {
    id: "C8",
    what: "another method is 405 with `Allow`",
    by: ["routes: refuses another method with 405 and what it allows, and another path with 404"],
  },
  {
    id: "C9",
    what: "TRACE refused, OPTIONS grants nothing, HEAD acts on nothing",
    by: [
      "edge: HEAD is GET without the body, and acts on nothing",
      "headers: grant no other origin anything",
    ],
  },
  {
    id: "C10",
    what: "every body has its type, and is not sniffed",
    by: ["routes: has the headers, and is kept by nobody unless it is named"],
  },
  {
    id: "C11",
    what: "limits and cursors are bounded",
    by: [
      "conversations: refuse limit=%s",
      "conversations: show at most 100 however many are asked for",
      "fuzz: language, query and limit that can be written is answered",
    ],
  },
  {
    id: "C12",
    what: "a message posted twice under one key is one",
    by: ["messages: makes one message of one post, however often and however many at once"],
  },
];

const accounts: Row[] = [
  {
    id: "D-1",
    what: "at least 15 characters for a single factor",
    by: ["users: with a password of %s"],
    note: "Does not hold by default: the least is 8 (`DUET_PASSWORD_MIN` sets it up to 64), beside a zxcvbn score of 3 of 4. SP 800-63B-4 asks for 15.",
  },
  {
    id: "D-2",
    what: "64 characters and more are taken, a bound is checked before hashing",
    by: ["users: with a password of %s"],
  },
  {
    id: "D-3",
    what: "the whole password counts: not cut, not trimmed, not folded",
    by: ["users: needs the whole password, exactly, whatever its normal form"],
  },
  { id: "D-4", what: "no rules of composition, no hints", by: ["users: with a password of %s"] },
  {
    id: "D-5",
    what: "common ones, repetitions, names are refused, with the reason",
    by: ["users: with a password of %s", "users: for %s is told in the reader's language (%s)"],
    note: "Against zxcvbn's lists of common passwords, not a list of breaches: Duet asks nobody outside.",
  },
  {
    id: "D-6",
    what: "any Unicode, NFKC before hashing",
    by: ["users: needs the whole password, exactly, whatever its normal form"],
  },
  {
    id: "D-7",
    what: "Argon2id, salted, rehashed when the parameters change",
    by: [
      "users: rehashes a password that was hashed with other parameters",
      "users: salts: equal passwords have unequal hashes",
    ],
  },
  {
    id: "D-8",
    what: "a change asks for the present password, and counts wrong ones",
    by: [
      "users: needs the present one, and a new one that is good enough; else nothing changes",
      "throttle: on the password when it is asked again: changing it, deleting the account",
    ],
  },
  {
    id: "D-9",
    what: "no such user, wrong password and disabled look alike",
    by: ["users: fails alike for nobody, a wrong password and a disabled account"],
  },
  {
    id: "D-10",
    what: "a taken name is told, hashed for all the same, and limited",
    by: [
      "throttle: on registering counts the taken names too, by network",
      "users: keeps names apart by their folded form and e-mail addresses by theirs",
    ],
    note: "Without a mail server a taken e-mail address is told too; with one it is told to nobody but who has confirmed it.",
  },
  {
    id: "D-11",
    what: "one name, many registrations at once: one account",
    by: ["users: 40 at once with one name make one account"],
  },
  {
    id: "D-12",
    what: "no account, key or secret comes with the program",
    by: ["keys: has keys of its own in every folder"],
  },
  {
    id: "D-13",
    what: "password fields are that, can be pasted into and filled in",
    by: ["pages: lets a password manager fill in passwords of any length, and shows none"],
  },
  {
    id: "D-14",
    what: "deleting an account asks for the password and removes its data",
    by: ["endings: needs the password, and takes away all that is one's own"],
  },
];

const automation: Row[] = [
  {
    id: "E1",
    what: "few guesses per minute and account",
    by: [
      "throttle: for one account from one place: 429 with Retry-After by the ninth, as for a name that nobody has",
    ],
  },
  {
    id: "E2",
    what: "no stranger can lock the owner out from elsewhere",
    by: [
      "throttle: of a stranger elsewhere do not keep the owner out",
      "throttle: of many strangers together are limited, but never where the owner has signed in from before",
    ],
    note: "While many networks together guess at one account, its owner can sign in from networks they have signed in from before, and from a new one only as fast as the limit lets anybody.",
  },
  {
    id: "E3",
    what: "many accounts from one network, IPv6 by /64",
    by: [
      "throttle: for 200 accounts from one place, or one /64: 429 before the hundredth",
      "addresses: of %s is %s",
    ],
  },
  { id: "E4", what: "limits are atomic", by: ["throttle: 100 at once: as many as the limit reach the hash"] },
  {
    id: "E5",
    what: "the address cannot be made up",
    by: [
      "addresses: is the peer's, whatever any header says, while no proxy is trusted",
      "throttle: count as one place whatever headers say, while no proxy is trusted",
    ],
  },
  {
    id: "E6",
    what: "another spelling of path or name is the same limit",
    by: ["throttle: count as one account by %s", "routes: %s answers 429 with Retry-After beyond its limit"],
  },
  {
    id: "E7",
    what: "registering, refreshing, posting, streams and passwords are limited",
    by: [
      "routes: %s answers 429 with Retry-After beyond its limit",
      "routes: stands behind a limit, or says why it needs none: what it changes, and what it costs",
      "live: is refused beyond so many at once or in a row, and a reader who goes leaves nothing behind",
    ],
  },
  {
    id: "E8",
    what: "429 tells nothing, and a restart forgets nothing",
    by: [
      "throttle: are still counted after a restart, and a clock set back does not lock anybody out for longer",
    ],
  },
  {
    id: "E9",
    what: "hashing is bounded",
    by: ["users: is bounded: what the queue cannot hold is refused with 503, the rest is done"],
  },
];

const cookies: Row[] = [
  {
    id: "F1",
    what: "`__Host-`, Secure, HttpOnly, Path=/, no Domain",
    by: [
      "pages: on https are four, prefixed, and the refresh token goes to /auth only",
      "pages: on https: a refresh cookie that a sibling planted does nothing, and goes with the next refresh",
    ],
    note: "The refresh cookie is `__Secure-` with `Path=/auth` instead: being sent to two routes only is worth more. So a sibling subdomain could plant one of its own (not read one): it counts only beside a `__Host-` cookie that names its session.",
  },
  {
    id: "F2",
    what: "SameSite=Lax",
    by: ["pages: on https are four, prefixed, and the refresh token goes to /auth only"],
  },
  {
    id: "F3",
    what: "no longer than the token needs, at most four",
    by: ["pages: on https are four, prefixed, and the refresh token goes to /auth only"],
    note: "Does not hold for the refresh cookie, which outlives its token by 30 days: expired it opens nothing, but by it the sign-in page can say what ended and when. Nor for the one that names the session, which stands beside it. After an end a fifth lives for ten minutes and holds a dead token of that session; who steals their own refresh token in the lab has its copy for ten minutes in one more, HttpOnly, for `/auth/lab` alone.",
  },
  { id: "F4", what: "only the exact name counts", by: ["pages: under %s sign nobody in"] },
  { id: "F5", what: "two values under one name count as none", by: ["pages: under %s sign nobody in"] },
  {
    id: "F6",
    what: "other cookies carry no trust",
    by: [
      "endings: says on the page nothing that a stranger can choose: only the row of a session that has ended",
      "fuzz: cookie header signs nobody in and breaks nothing",
    ],
  },
  {
    id: "F7",
    what: "visitors and failures are given none",
    by: ["pages: are not set for visitors, nor by what fails"],
  },
];

const origins: Row[] = [
  {
    id: "G1",
    what: "what changes state comes from our own origin",
    by: ["csrf: from Sec-Fetch-Site %p, Origin %p, cookie %p: ours is %p"],
  },
  { id: "G2", what: "whatever content type it says", by: ["problem: of type %p is answered %i"] },
  {
    id: "G3",
    what: "GET changes nothing",
    by: [
      "edge: HEAD is GET without the body, and acts on nothing",
      "csrf: /auth/refresh refuses what is no navigation: a foreign <img> carries the cookie too",
      "messages: is not moved by looking: a page, a HEAD, a prefetch, an image; a form without script does",
    ],
    note: "But for `GET /auth/refresh` on a navigation, see B10.",
  },
  {
    id: "G4",
    what: "our origin is a setting, not a header",
    by: ["csrf: is measured by the configured origin, whatever Host says"],
  },
  {
    id: "G5",
    what: "a sibling subdomain is another site",
    by: ["csrf: from Sec-Fetch-Site %p, Origin %p, cookie %p: ours is %p"],
  },
  {
    id: "G6",
    what: "a made-up Authorization does not switch it off",
    by: ["csrf: is not let through by a made-up Authorization beside the cookie"],
  },
  {
    id: "G7",
    what: "no other origin is granted anything but keys and metadata",
    by: [
      "headers: grant no other origin anything",
      "routes: has the headers, and is kept by nobody unless it is named",
    ],
  },
  {
    id: "G8",
    what: "no other site can embed or read pages and streams",
    by: ["routes: has the headers, and is kept by nobody unless it is named"],
  },
  {
    id: "G9",
    what: "what depends on the caller is kept by nobody",
    by: ["routes: has the headers, and is kept by nobody unless it is named"],
  },
];

const headers: Row[] = [
  ...(
    [
      ["H0", "the same headers on every answer"],
      ["H1", "nosniff"],
    ] as const
  ).map(([id, what]): Row => ({
    id,
    what,
    by: [
      "headers: are on every %i: %s %s",
      "routes: has the headers, and is kept by nobody unless it is named",
    ],
  })),
  { id: "H2", what: "HSTS on https", by: ["headers: add HSTS where the public origin is https"] },
  {
    id: "H3",
    what: "a policy without `unsafe-*`, under which the pages work",
    by: [
      "headers: are on every %i: %s %s",
      "browser/sessions: is broken by nothing that a person does, and stops what a person might write",
    ],
  },
  { id: "H4", what: "framed by nobody", by: ["headers: are on every %i: %s %s"] },
  { id: "H5", what: "Referrer-Policy", by: ["headers: are on every %i: %s %s"] },
  { id: "H6", what: "COOP, CORP, Permissions-Policy", by: ["headers: are on every %i: %s %s"] },
  {
    id: "H7",
    what: "`no-store` wherever it is not public",
    by: ["routes: has the headers, and is kept by nobody unless it is named"],
  },
  {
    id: "H8",
    what: "no version, no source map",
    by: [
      "headers: are on every %i: %s %s",
      "headers: are one script and one style, kept for ever under the hash of their content, compressed",
    ],
  },
  {
    id: "H9",
    what: "nothing from elsewhere",
    by: ["headers: are all there is: no page asks another host for anything"],
  },
];

const input: Row[] = [
  {
    id: "I1",
    what: "a schema for all that comes in, nothing coerced",
    by: [
      "problem: of %s names what is missing",
      "fuzz: JSON body to any route is taken or refused, and never comes back in a refusal",
    ],
  },
  {
    id: "I2",
    what: "SQL is never put together from input",
    by: [
      "architecture: holds in every source file",
      "db: refuses SQL that would silently mean something else",
    ],
  },
  {
    id: "I3",
    what: "well-formed Unicode; what is kept comes back as it was",
    by: [
      "messages: comes back as it was sent",
      "users: %j is none: %s",
      "fuzz: title and message comes back as it was sent, in the API, in the stream's words and on the page",
    ],
  },
  {
    id: "I4",
    what: "128 KiB, with or without a length",
    by: [
      "edge: a body beyond the limit is refused in the one shape, however large it says or turns out to be",
      "problem: without a length is counted as it comes",
    ],
  },
  {
    id: "I5",
    what: "bad JSON and bad UTF-8 are 400",
    by: ["problem: that is %s is 400", "fuzz: bytes as a body are a refusal, not a failure"],
  },
  { id: "I6", what: "deep nesting is 400", by: ["problem: that is %s is 400"] },
  {
    id: "I7",
    what: "no prototype is reached",
    by: [
      "problem: of %s names what is missing",
      "fuzz: JSON body to any route is taken or refused, and never comes back in a refusal",
    ],
  },
  {
    id: "I8",
    what: "a field twice is refused",
    by: ["oauth: with %s answers RFC 6749's %#"],
    note: "In bodies. Of a query parameter that comes twice the first or the last may count; none of them decides what one may see.",
  },
  {
    id: "I9",
    what: "ids are ids or not found",
    by: [
      "conversations: %s /api/conversations/:id%s is 404, as if it were not there",
      "routes: refuses another method with 405 and what it allows, and another path with 404",
    ],
  },
  { id: "I10", what: "Host is one, and can be one", by: ["edge: %s: %j is answered %i"] },
];

const output: Row[] = [
  {
    id: "J1",
    what: "everything a person wrote is escaped",
    by: [
      "pages: %s stays text on every page it is shown on",
      "jsx: escapes text wherever a child can be",
      "fuzz: title and message comes back as it was sent, in the API, in the stream's words and on the page",
    ],
  },
  { id: "J2", what: "links are http, https or our own", by: ["jsx: refuses the URL %j"] },
  {
    id: "J3",
    what: "what a person wrote has no attributes",
    by: ["pages: %s stays text on every page it is shown on"],
  },
  {
    id: "J4",
    what: "HX- headers decide nothing but the shape of an answer",
    by: ["pages: is a page to a person, problem details to a program, a note to the script"],
  },
  { id: "J5", what: "HX- answers are constants or our own paths", by: ["next: %j is not"] },
  {
    id: "J6",
    what: "an event cannot be injected into",
    by: [
      "live: tells everything that one may see, in order, once, as the API would",
      "fuzz: event is one event with its data, whatever a person wrote into it",
    ],
  },
  { id: "J7", what: "JSON in HTML", note: "There is none." },
  {
    id: "J8",
    what: "`next` stays on our host",
    by: ["next: %j is not", "fuzz: way on from a sign-in ends on our own host"],
  },
  {
    id: "J9",
    what: "no page is kept in the browser's storage",
    by: [
      "browser/sessions: in one tab shows in all of them, and the back button shows nothing private",
      "browser/composer: is kept over a reload with the draft, shown with the reason where it cannot be, and goes with the sign-out",
    ],
    note: "What one typed and has not sent yet is, for its own tab only, until the sign-out (`Clear-Site-Data`).",
  },
];

const authorisation: Row[] = [
  {
    id: "K1",
    what: "what is somebody else's is 404, on every route",
    by: [
      "conversations: %s /api/conversations/:id%s is 404, as if it were not there",
      "pages: an ended session's access cookie opens nothing, and nobody else's either",
    ],
  },
  {
    id: "K2",
    what: "nested ids belong together",
    by: ["conversations: %s /api/conversations/:id%s is 404, as if it were not there"],
  },
  {
    id: "K3",
    what: "no owner, id or time from a body",
    by: ["conversations: take no owner and no id from the body"],
  },
  {
    id: "K4",
    what: "pages follow the rules of the API",
    by: [
      "architecture: holds in every source file",
      "routes: %s answers 429 with Retry-After beyond its limit",
    ],
  },
  {
    id: "K5",
    what: "decided by what the database says now",
    by: [
      "users: shows with the next request, under every token there is",
      "sessions: of a disabled user is over at once",
    ],
  },
  {
    id: "K6",
    what: "streams end with their session",
    by: [
      "endings: by %s says so to programs and people: what, when, and on which device",
      "live: ends at once with its session, by %s, and tells nothing after that",
      "live: ends with its own session only, when that is revoked or its token is stolen, and each at a new password",
    ],
  },
  {
    id: "K7",
    what: "ids cannot be guessed, lists and streams tell of nobody else",
    by: [
      "live: tells everything that one may see, in order, once, as the API would",
      "conversations: are listed newest activity first, page by page, none twice and none left out",
    ],
  },
];

const errors: Row[] = [
  {
    id: "L1",
    what: "500 says nothing but a request id",
    by: ["problem: gives a request id that the log knows, and nothing else"],
  },
  {
    id: "L2",
    what: "who did what, when, from where, with which outcome; no secret",
    by: [
      "security: say who did what, when, from where, and whether it succeeded: every kind of them",
      "users: logs who and from where, and never a password or a token",
    ],
  },
  {
    id: "L3",
    what: "one event, one line",
    by: ["log: is one line of JSON for each event, whatever is in it"],
  },
  {
    id: "L4",
    what: "a refusal names the field, never the value",
    by: [
      "problem: with a password that is refused does not come back",
      "fuzz: JSON body to any route is taken or refused, and never comes back in a refusal",
    ],
  },
  {
    id: "L5",
    what: "one request's failure is its own",
    by: ["edge: 1,000 requests that are cut off leave the server as it was"],
  },
];

const keys: Row[] = [
  {
    id: "M1",
    what: "rotating the key signs nobody out",
    by: [
      "keys: rotates without a sign-out: the next key signs, the old one still verifies",
      "keys: drops a retired key when no token it signed can be good, whatever the settings are by then",
    ],
  },
  {
    id: "M2",
    what: "a switch for emergencies",
    note: "No command of its own. To drop all keys and sessions: stop, `DELETE FROM signing_keys; DELETE FROM sessions` in `duet.db`, start.",
  },
  {
    id: "M3",
    what: "secrets are 256 bit random, or 32 characters and more",
    by: ["config: report all faults together, each with its name and never its value"],
  },
  { id: "M4", what: "nothing is fetched because a token says so", by: ["tokens: %s is refused"] },
  {
    id: "M5",
    what: "the folder's files are 0600 and not served",
    by: [
      "start: makes the folder, the secret, the schema and the keys, and says one line",
      "routes: refuses another method with 405 and what it allows, and another path with 404",
    ],
  },
  {
    id: "M6",
    what: "no secret in arguments, pages or the executable",
    by: ["binary: in an empty environment tells a caller nothing of what is inside"],
    note: "A secret given by flag shows in `ps`; give it by variable.",
  },
  {
    id: "M7",
    what: "an empty environment is production",
    by: ["binary: in an empty environment tells a caller nothing of what is inside"],
  },
  {
    id: "M8",
    what: "dependencies are few, named and pinned",
    by: ["documentation: name every dependency, pinned exactly, with its reason"],
  },
  { id: "M9", what: "WAL, foreign keys, FULL", by: ["db: is set up as it must be"] },
  {
    id: "M10",
    what: "UTC, and CHECKs on a session's state",
    by: ["sessions: cannot be %s"],
  },
];

/** The checklist, by its letters. */
const heldByKeys: Row[] = [
  {
    id: "N1",
    what: "a session is bound at its start or never, and for ever",
    by: [
      "dpop: is held by its key for ever: %s",
      "dpop: of a session that was started without one is never bound, and ends nothing",
      "dbsc: binds once, within a minute, by the challenge of that sign-in",
    ],
  },
  {
    id: "N2",
    what: "bound without the right proof: refused on every route, nothing ends, the owner is told once an hour",
    by: [
      "dpop: opens nothing on any route, ends nothing whatever its generation, and its owner sees it",
      "dpop: is one event an hour",
      "dbsc: to refresh with: opens nothing on any route, ends nothing, signs nobody out, and its owner is told",
    ],
  },
  {
    id: "N3",
    what: "the checks of RFC 9449 section 4.3; htu by the configured origin, never by Host",
    by: ["dpop: is of its own request, by a key that signs it, and says nothing else"],
  },
  {
    id: "N4",
    what: "nonces are required, of this minute or one beside it, and kept nowhere",
    by: [
      "dpop: needs a nonce of the minute before, this one or the next, which the server remembers nowhere",
    ],
  },
  {
    id: "N5",
    what: "a proof is used once, across processes; the same token request is answered again",
    by: [
      "dpop: is used once; the same token request, sent again by an HTTP stack, is answered again",
      "processes: take a proof of possession once, whichever of them is asked",
    ],
  },
  {
    id: "N6",
    what: "used proofs are kept until no process can take them, and bounded for each key alone (503)",
    by: [
      "dpop: is remembered for as long as it could be taken; a key that has used too many waits, and no other does",
    ],
  },
  {
    id: "N7",
    what: "with the key nobody is signed out by age, unless a setting says so",
    by: [
      "dpop: answers any generation to whoever has the key, hours later",
      "dpop: ends by a copy of its key only where the overlap of keys has an end",
      "check-rule: keeps what is promised: $name",
    ],
  },
  {
    id: "N8",
    what: "a copied access cookie of a bound browser is dead within five minutes, one from before the binding too",
    by: ["dbsc: to open pages with: is dead within five minutes, also one from before the binding"],
  },
  {
    id: "N9",
    what: "a lost answer is answered again; a late challenge is told the present one, and ends nothing",
    by: [
      "dbsc: loses any number of answers, and goes on",
      "dbsc: shows a challenge late: until W after the next was used it is answered, then told the present one, and never ended",
      "prove: a browser that is bound to its device loses answers, and its cookies are worth nothing elsewhere",
    ],
  },
  {
    id: "N11",
    what: "a key is registered by nobody but who has read the answer to the sign-in, and holds from its first use",
    by: [
      "dbsc: is not bound by a copy of its cookies, dead or alive, to whoever has not read the answer to the sign-in",
      "dbsc: whose registration is lost goes on without, and nobody is signed out",
      "dpop: that names a key which lies on no curve costs nobody else anything",
    ],
  },
  {
    id: "N10",
    what: "a browser is answered no 4xx but 403, and no 403 without a challenge",
    by: ["dbsc: answer no 4xx but 403, and no 403 without a challenge"],
  },
];

const operators: Row[] = [
  {
    id: "O1",
    what: "/admin is there for operators whom the command line has made, by a browser's session, and with the next request no more",
    by: [
      "admin: is there for whom the command line made an operator, from a browser's session, and for nobody else",
    ],
  },
  {
    id: "O2",
    what: "everything there asks for a proof that is not older than ten minutes",
    by: ["admin: asks for a proof when the last one is older than ten minutes, whatever was asked for"],
  },
  {
    id: "O3",
    what: "every act is an event with the operator's name, which its owner is told, and not from where",
    by: ["admin: disables, enables, and ends a session, with the next request, and says by whom"],
  },
  {
    id: "O4",
    what: "an operator's session that is taken over does nothing to other operators",
    by: ["admin: does nothing to operators"],
  },
  {
    id: "O5",
    what: "a link for a new password is 256 random bits, kept as a hash, good once and for half an hour, and signs nobody in",
    by: [
      "admin: sets it once, ends every session, and signs nobody in",
      "admin: of many who use it at once one sets it",
      "admin: is good for half an hour, for the last that was made, while the account may sign in and its password stays",
    ],
    note: "whoever reads an operator's messages may use the link first; the owner sees an event, and that the password is another",
  },
  {
    id: "O6",
    what: "an invitation lets one account in, and can be taken back",
    by: [
      "admin: lets one person in where registration is closed, and can be taken back",
      "admin: of many who use it at once one is let in",
    ],
  },
  {
    id: "O7",
    what: "a restore forgets links, whose use a copy cannot know",
    by: [
      "backup: is one moment, taken while everybody writes; put back it has every row, signs everybody out, and is a new history",
    ],
  },
  {
    id: "O8",
    what: "an imported hash costs at most what is bounded, and waits for as many places as it takes",
    by: ["gate: gives what is heavy as many places as it needs, and lets nobody past it"],
  },
];

const factors: Row[] = [
  {
    id: "P1",
    what: "a session without its second factor opens nothing (ASVS 6.3.3)",
    by: [
      "step-up: opens nothing, route by route",
      "factors: is asked for at every sign-in: by page, program and OAuth client; and its codes are good once",
    ],
    note: "a second factor is each person's own choice; there is no setting that asks it of everybody",
  },
  {
    id: "P2",
    what: "a code is of its time step or one beside it, and is good once; so is a recovery code (ASVS 6.5.1, 6.5.5)",
    by: [
      "factors: is asked for at every sign-in: by page, program and OAuth client; and its codes are good once",
      "factors: let in once each, however they are typed, and are made anew on demand",
    ],
  },
  {
    id: "P12",
    what: "recovery codes are for who has a second factor; those from before it are good no more",
    by: ["factors: are for who has a second factor, and none outlives the time without one"],
    note: "after a restore codes that were used since the backup are good again",
  },
  {
    id: "P3",
    what: "recovery codes have 80 random bits and are kept as an HMAC; secrets are sealed (ASVS 6.5.2, 6.5.3, SP 800-63B-4 section 3.1.2)",
    by: ["factors: counts once its first code has come, ends every session and gives recovery codes"],
  },
  {
    id: "P4",
    what: "guessing ends: five tries a challenge, waits that grow, a hundred of an account from unknown networks (ASVS 6.3.1, SP 800-63B-4 section 3.2.2)",
    by: [
      "factors: takes five tries, then there is a wait that grows, and a right password without its factor counts",
      "factors: is answered by many wrong codes at once no more than five times",
      "factors: after a hundred wrong codes is answered from networks alone from which somebody has signed in",
    ],
  },
  {
    id: "P5",
    what: "a factor is never switched off by failure",
    by: ["factors: is never switched off by failure: what cannot be opened is 503, and opens nothing"],
  },
  {
    id: "P6",
    what: "a passkey is this origin's, with user verification; a copy is noticed where its device counts (ASVS 6.5.7, 6.7)",
    by: [
      "factors: is refused from another origin, without its user, forged, or copied",
      "browser/factors: a passkey: added, signed in by alone, from the field where the name is typed, and as second factor",
      "browser/factors: a passkey that was copied, or is asked for at another address, opens nothing",
    ],
    note: "attestation is not asked for: any device's passkey is taken",
  },
  {
    id: "P7",
    what: "a challenge is answered once, by the kind of caller and the key that began it, for ten minutes, with the same password",
    by: [
      "factors: dies with the password, the account and its ten minutes, and is nobody else's",
      "factors: that a key began is answered by that key alone",
    ],
  },
  {
    id: "P8",
    what: "what cannot be undone or opens the door asks for a proof of the last ten minutes (ASVS 7.5.1, RFC 9470)",
    by: [
      "step-up: %s: asks for a proof of the last ten minutes, and goes on with one",
      "step-up: is asked for as RFC 9470 has it, by whatever one has",
    ],
    note: "signing in is a proof, too: whoever copies an access token within ten minutes of it needs no other",
  },
  {
    id: "P9",
    what: "a proof earns one access token: nothing to refresh, and nothing for who else holds the session",
    by: [
      "step-up: is in one access token: nothing to refresh, the session as it was, and nobody else's",
      "step-up: in a session that a key holds needs that key, and the token is bound to it",
      "step-up: is its own session's: what asks somebody else puts nobody's tokens into this browser",
      "step-up: can always be asked for by its owner, whoever has copied the token",
    ],
    note: "a copied token whose holder has signed in or proved within ten minutes may add a factor, which begins a session of its own and ends the owner's: they are told, and come back by an operator's link",
  },
  {
    id: "P10",
    what: "adding or removing a factor ends every session, and the password stays a way in",
    by: [
      "factors: ends every session; the last one takes the recovery codes along, and the password stays a way in",
      "endings: by %s says so to programs and people: what, when, and on which device",
    ],
  },
  {
    id: "P11",
    what: "a lost password gives no way round the second factor, unless an operator says so (ASVS 6.4.3, 6.4.4)",
    by: [
      "emails: comes back by a letter, in the reader's language, with a second step still asked for",
      "factors: is still asked for after an operator's link, unless it says otherwise",
    ],
  },
];

const letters: Row[] = [
  {
    id: "Q1",
    what: "an address that is not confirmed recovers nothing, reserves nothing and signs nobody in",
    by: [
      "emails: counts once it is confirmed in its own account's session: until then it opens and reserves nothing",
      "emails: that was there before there was mail counts as one that is not confirmed",
    ],
  },
  {
    id: "Q2",
    what: "a forgotten password is answered alike for names that nobody has, after the same work (ASVS 6.3.8)",
    by: ["emails: is answered the same whoever it is, and only who can be reached is written to"],
    note: "by building: the account is looked for when the letter is sent, never before the answer",
  },
  {
    id: "Q3",
    what: "a change of address is confirmed by the new one, told to the old one, and taken back from there for 72 hours (ASVS 6.3.7)",
    by: [
      "emails: is changed by the new one's link, told to the old one, and given back from there for 72 hours",
      "emails: that its owner sets again leaves no link behind to who had it in between",
      "emails: is given back while its account is disabled, which a reader of the events may have done",
    ],
    note: "whoever confirms an address after those 72 hours gives its holder before a link for as long; the notice of its use names that, and an operator can help",
  },
  {
    id: "Q4",
    what: "the owner is written to about new devices, passwords and factors, and theft (ASVS 6.3.5, 6.3.7)",
    by: [
      "emails: is written of a new device, a new password or factor, and a theft; not of what is known, nor to who is not",
    ],
  },
  {
    id: "Q5",
    what: "a mail server that is down, hangs or refuses loses nothing and holds nobody",
    by: [
      "emails: that is down loses nothing and holds nobody; when it is back the letter comes",
      "emails: counts once, has the same link each time, and is not made anew once that was used",
      "emails: that refuses for good is believed, one that refuses for now is asked again, and for three days at most",
      "emails: that hangs holds no request, and no letter of others",
    ],
  },
  {
    id: "Q6",
    what: "asking for letters is limited, and locks nobody out",
    by: [
      "emails: has limits that lock nobody out: the last letter is good",
      "emails: of a stranger's asking voids no operator's link, and is no way round the command line for operators",
      "emails: is told to no stranger's address again and again",
    ],
  },
  {
    id: "Q7",
    what: "no link and no name that was typed stands in the database in clear; a letter fetches nothing",
    by: [
      "emails: is answered the same whoever it is, and only who can be reached is written to",
      "emails: is written of a new device, a new password or factor, and a theft; not of what is known, nor to who is not",
      "pages: tells what an account is told to its holder alone: whoever reads the address in a log gets nothing",
    ],
    note: "a letter itself is plain: whoever reads the mailbox reads the link",
  },
];

const guests: Row[] = [
  {
    id: "R1",
    what: "a session of nobody, in the lab, opens nothing: its tokens are refused by every other route, in whatever header or cookie",
    by: [
      "lab-guest: is refused by every other route, as whatever token and in whatever cookie",
      "lab-guest: takes nobody's real tokens for a guest's",
    ],
  },
  {
    id: "R2",
    what: "it costs nobody their sign-in, also one whose access token has expired",
    by: [
      "lab-guest: leaves a sign-in alone, also one whose access cookie has expired",
      "lab-guest: starts where a cookie is left that is nobody's, or of a session that has ended",
    ],
  },
  {
    id: "R3",
    what: "there are a thousand at most, started within a limit by network, each for an hour",
    by: [
      "lab-guest: is limited by network, and bounded: the oldest gives way",
      "lab-guest: is gone after an hour, and cleared away",
      "lab-guest: has a limit of acts, which leaves the session as it is",
    ],
  },
  {
    id: "R4",
    what: "a link to a run holds names of events and numbers alone, and what is none is not found",
    by: [
      "run: is written as letters and numbers, and read again as it was",
      "run: is a picture by itself, without a stylesheet",
    ],
  },
  {
    id: "R5",
    what: "a link that invites is kept as a hash, joined by POST, good for so many until its end, and ended at will",
    by: [
      "invites: is shown once, kept as a hash, and joined by a form",
      "invites: is good for so many, until its end, and until it is ended",
      "invites: does not let more in than a conversation may have",
    ],
  },
  {
    id: "R6",
    what: "it is dead with its maker's right, is no way back for whoever was removed, and makes nobody an account",
    by: [
      "invites: is dead with its maker's right: somebody else's conversation, one that was deleted, an account that is gone or disabled",
      "invites: is not for whoever was removed, until they are added again; whoever left may come back",
      "invites: leads whoever has to sign in there first, and makes nobody an account where registration is closed",
    ],
  },
  {
    id: "R7",
    what: "names that complete themselves are those of people one shares a conversation with",
    by: ["invites: are those of people one shares a conversation with, and of nobody else"],
  },
];

export const SECTIONS: [title: string, rows: Row[]][] = [
  ["A. Tokens", tokens],
  ["B. Sessions", sessions],
  ["C. HTTP", http],
  ["D. Passwords and accounts", accounts],
  ["E. Anti-automation", automation],
  ["F. Cookies", cookies],
  ["G. Origins", origins],
  ["H. Headers", headers],
  ["I. Input", input],
  ["J. Output", output],
  ["K. Authorisation", authorisation],
  ["L. Errors and logs", errors],
  ["M. Keys and configuration", keys],
  ["N. Sessions that are held by a key", heldByKeys],
  ["O. Operators", operators],
  ["P. Second factors and recent proofs", factors],
  ["Q. Letters", letters],
  ["R. Guests and links that invite", guests],
];
