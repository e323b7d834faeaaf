import type { SecurityEventKind } from "../core/auth/security.ts";
import type { EndReason, ErrorCode, FieldCode, PasswordAdvice } from "../errors.ts";

export const count = (n: number, one: string, many: string) => `${n} ${n === 1 ? one : many}`;

const errors: Record<ErrorCode, string> = {
  malformed_body: "The body could not be read as what its type says",
  malformed_request: "The request is malformed",
  invalid_dpop_proof: "The proof of possession (DPoP) is missing, or is not one for this request",
  use_dpop_nonce: "The proof of possession (DPoP) must carry the nonce of the header DPoP-Nonce",
  invalid_credentials: "Wrong username or password",
  token_missing: "A token is needed here",
  token_expired: "The token has expired",
  token_invalid: "The token is not valid",
  token_type_mismatch: "That is the wrong type of token",
  user_not_found: "The user does not exist",
  session_ended: "This session has ended",
  key_missing: "This browser does not hold the key of this session. Sign in again",
  device_proof_required: "A signature by this device’s key is needed here",
  cross_origin_refused:
    "Refused: this came from another address than Duet’s own. Open Duet at its own address and try again",
  registration_closed: "New accounts cannot be made here at present",
  not_found: "This does not exist, or you may not see it",
  method_not_allowed: "This method is not allowed here",
  username_taken: "That username is taken",
  email_taken: "That e-mail address is in use",
  owner_cannot_leave: "The owner cannot leave the conversation",
  viewer_changed: "Somebody else has signed in in this browser. Reload the page to go on as them.",
  payload_too_large: "The body is too large: at most 128 KiB",
  unsupported_media_type: "The body is of a type that is not accepted here",
  validation_failed: "Some fields are not right",
  idempotency_key_reused: "This Idempotency-Key came before with another request",
  rate_limited: "Too many attempts; wait a little and try again",
  internal_error: "Something went wrong on our side",
  unavailable: "The service cannot do this at the moment; try again shortly",
  too_busy: "Too many people are signing in at once; try again shortly",
};

const reasons: Record<EndReason, string> = {
  logout: "You signed out.",
  logout_all: "You signed out everywhere.",
  revoked: "You were signed out from another of your devices.",
  password_changed: "Your password was changed on another device. Sign in with the new one.",
  reuse_detected:
    "An old copy of your refresh token was used after the new one, so we ended this session to keep a thief out. Your other devices are not affected.",
  expired_idle: "You had not used Duet for a while, so this session ended.",
  expired_absolute: "This session had reached its longest life.",
  user_disabled: "This account is disabled.",
  user_deleted: "This account was deleted.",
  restored: "The server was restored from a backup, so everybody has to sign in again.",
};

const fields: Record<FieldCode, (limit: number) => string> = {
  required: () => "Please fill this in",
  wrong_type: () => "This is of the wrong type",
  too_short: (limit) => `At least ${count(limit, "character", "characters")}`,
  too_long: (limit) => `At most ${count(limit, "character", "characters")}`,
  invalid: () => "This is not valid",
  ill_formed: () => "This holds characters that cannot be kept",
  username_characters: () => "Use letters and digits only, with . _ - between them",
  mixed_scripts: () => "Use letters of one script only",
  reserved: () => "This name, or what looks like it, is kept for whoever runs the server",
  guessable: () => "Too easy to guess",
  wrong_password: () => "This is not your current password",
  no_such_user: () => "Nobody has that username",
  too_many: (limit) => `At most ${limit}`,
};

const warnings: Record<NonNullable<PasswordAdvice["warning"]>, string> = {
  straightRow: "Rows of keys are easy to guess",
  keyPattern: "Short keyboard patterns are easy to guess",
  simpleRepeat: "Repeated characters are easy to guess",
  extendedRepeat: "Repeated patterns are easy to guess",
  sequences: "Sequences such as abc are easy to guess",
  recentYears: "Recent years are easy to guess",
  dates: "Dates are easy to guess",
  topTen: "It is one of the ten passwords used most",
  topHundred: "It is one of the hundred passwords used most",
  common: "It is a password that many people use",
  similarToCommon: "It is much like a password that many people use",
  wordByItself: "A single word is easy to guess",
  namesByThemselves: "A single name is easy to guess",
  commonNames: "Common names are easy to guess",
  userInputs: "It is made of your name, your address or Duet's name",
};

const suggestions: Record<PasswordAdvice["suggestions"][number], string> = {
  l33t: "Digits in place of letters help little",
  reverseWords: "Words spelled backwards help little",
  allUppercase: "Capitals throughout help little",
  capitalization: "Capitals elsewhere than in front help more",
  dates: "Leave out dates",
  recentYears: "Leave out recent years",
  associatedYears: "Leave out years that have to do with you",
  sequences: "Leave out sequences",
  repeated: "Leave out repetitions",
  longerKeyboardPattern: "A keyboard pattern must be long and turn often",
  anotherWord: "Add more words, uncommon ones",
  useWords: "Use several words, uncommon ones",
};

/** What can go wrong or come to an end, and what happened to an account. */
export const problems = {
  errors,
  reasons,
  fields,
  advice: { warnings, suggestions },
  /** Between two sentences. */
  gap: " ",
  tooMany: (wait: string) => `Too many attempts. Try again in ${wait}`,
  sentences: (all: string[]): string => `${all.join(". ")}.`,
  statuses: {
    400: "Bad request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    413: "Content too large",
    415: "Unsupported media type",
    422: "Unprocessable content",
    429: "Too many requests",
    500: "Internal server error",
    503: "Service unavailable",
  } as Record<number, string>,
  events: {
    register: "Account creation",
    login: "Sign-in",
    logout: "Sign-out",
    logout_all: "Sign-out everywhere",
    session_revoke: "Sign-out of another device",
    password_change: "Password change",
    profile_change: "Profile change",
    account_delete: "Account deletion",
    account_disable: "Account disabled by the operator",
    account_enable: "Account enabled by the operator",
    reuse_detected: "Possible theft: an old refresh token was used, session ended",
    key_bound: "Session bound to this device",
    key_missing: "A copied token, without its key: refused",
    key_used_late: "An old token, with its key, from another network",
  } as Record<SecurityEventKind, string>,
};
