/** Every bound that is not a setting, with its unit in the name. */
export const LIMITS = {
  bodyBytes: 128 * 1024,
  usernameCharsMin: 2,
  usernameCharsMax: 32,
  emailCharsMax: 254,
  passwordCharsMax: 1024,
  passwordCharsJudged: 40,
  titleCharsMax: 200,
  messageCharsMax: 10_000,
  idempotencyKeyCharsMax: 100,
  idempotencyKeepMs: 7 * 24 * 60 * 60 * 1000,
  pageItemsDefault: 50,
  pageItemsMax: 100,
  membersPerConversationMax: 200,
  /** links by which one conversation is joined, at a time */
  invitesMax: 10,
  /** what is offered of one: days that it is good for, and for how many; the second is chosen at first */
  inviteDays: [1, 7, 30],
  inviteUses: [1, 10, 50],
  /** lines between the messages of one page */
  notesShown: 100,
  /** from which names complete themselves, and how many do */
  conversationsForNames: 50,
  namesShown: 100,
  deviceNameCharsMax: 60,
  knownAddressesMax: 100,
  /** after its last token expired, so that a late one still learns why */
  sessionKeepMs: 30 * 24 * 60 * 60 * 1000,
  streamsPerUserMax: 20,
  /** after its end, to be seen among the others */
  linkKeepMs: 30 * 24 * 60 * 60 * 1000,
  resetLinkMs: 30 * 60 * 1000,
  invitationMs: 7 * 24 * 60 * 60 * 1000,
  invitationsShown: 50,
  /** since somebody last proved who they are, for what asks for that */
  proofAgeMs: 10 * 60 * 1000,
  /** of what somebody has still to prove */
  challengeMs: 10 * 60 * 1000,
  challengeTriesMax: 5,
  authenticatorsMax: 3,
  passkeysMax: 20,
  factorNameCharsMax: 60,
  /** Web Authentication section 5.1: 1023 bytes, as base64url */
  credentialIdCharsMax: 1400,
  /** of one account, one after another, until they are taken from known networks only (SP 800-63B-4 section 3.2.2) */
  wrongCodesMax: 100,
  verifyLinkMs: 24 * 60 * 60 * 1000,
  /** to take a change of address back */
  undoLinkMs: 72 * 60 * 60 * 1000,
  /** for a mail server that takes none */
  letterKeepMs: 72 * 60 * 60 * 1000,
  letterRetryMs: 10_000,
  letterRetryMaxMs: 60 * 60 * 1000,
  /** while one process sends it, no other does */
  letterLeaseMs: 2 * 60 * 1000,
  lettersAtOnce: 5,
  lettersLookMs: 5000,
  smtpWaitMs: 20_000,
  labDiariesMax: 500,
  /** sessions of nobody, in the lab, and how long one lasts */
  guestsMax: 1000,
  guestMs: 60 * 60 * 1000,
  labEntriesMax: 60,
  streamHeartbeatMs: 15_000,
  /** of a form that was sent twice: the answer, and for one that is being done elsewhere */
  formKeepMs: 60_000,
  formWaitMs: 30_000,
  conversationKeepMs: 30 * 24 * 60 * 60 * 1000,
  searchItemsMax: 30,
  /** where all of a list is read, for an export */
  rowsReadAtOnce: 500,
  /** in memory, of what is checked on every request */
  sessionsRemembered: 50_000,
  tokensRemembered: 20_000,
  changesRemembered: 1000,
  /** by one statement of the clearing away: a few milliseconds */
  rowsClearedAtOnce: 100,
  /** of clearing away after a deleted account, before it is answered */
  departureStepsAtOnce: 20,
  /** 200 members of each have to hear of it */
  conversationsLeftAtOnce: 5,
  /** of a conversation, searched as one: a word that is in all of them is a few milliseconds */
  messagesPerPart: 4000,
  queryCharsMax: 200,
  changesKeepMs: 24 * 60 * 60 * 1000,
  userAgentCharsMax: 400,
  tokenCharsMax: 4096,
  /** after its start, for the browser to bind it to its device */
  bindWithinMs: 60_000,
  /** of an access token in a bound session: what a copy of its cookie is good for; a browser's quota of signatures allows no less than 210 */
  boundAccessSeconds: 300,
  /** `jti` of a proof */
  proofIdCharsMax: 256,
  hashQueueMax: 64,
  fieldErrorsMax: 20,
  writesPerCommitMax: 500,
  accessTtlHoursMax: 24,
  refreshTtlDaysMax: 365,
  tendMs: 30_000,
  /** of a connection; longer than proxies keep one open to us (nginx, Apache, cloud balancers: 60 to 75 s), or they meet a closed one */
  idleSeconds: 90,
  /** by the process for peers that do not read their answers or send their bodies; see http/held.ts */
  heldBytesMax: 64 * 1024 * 1024,
  heldBytesPerNetworkMax: 16 * 1024 * 1024,
  /** the least that a connection counts there, so that many of them are bounded too */
  connectionBytes: 16 * 1024,
  /** a larger answer is sent piece by piece */
  pieceBytes: 64 * 1024,
  /** a peer that has not moved for so long gives way to others */
  stalledMs: 5000,
  /** a start reads all of a database up to here, some milliseconds */
  databaseCheckedAtStartBytes: 4 * 1024 * 1024,
  databaseCacheBytes: 32 * 1024 * 1024,
  walBytesKept: 16 * 1024 * 1024,
  writeLockWaitMs: 2000,
  /** of PostgreSQL, by one process */
  databaseConnections: 20,
  databaseWaitMs: 5000,
  databaseConnectMs: 3000,
  /** how long what is remembered may be used after the last proof that nothing was missed; db/news.ts */
  memoryLeaseMs: 800,
  /** of one process and the database's */
  clockSkewMaxMs: 1000,
  clockTrustMs: 60_000,
  /** of lines that nobody has read */
  logBytesWaiting: 4 * 1024 * 1024,
  /** of requests, for a collector of traces */
  spansWaiting: 2048,
  spansSendMs: 2000,
  shutdownWaitMs: 8000,
  /** for the server that runs to let go of what a new one takes over */
  handOverWaitMs: 10_000,
  takeBackAgainMs: 200,
  othersLookMs: 50,
} as const;
