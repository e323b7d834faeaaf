/**
 * Every error that Duet tells a caller about: a code that never changes and the status it travels under.
 * The words live in `locales/`; a code without both translations does not compile.
 */
export const ERROR_STATUS = {
  malformed_body: 400,
  malformed_request: 400,
  invalid_dpop_proof: 400,
  use_dpop_nonce: 400,
  invalid_credentials: 401,
  token_missing: 401,
  token_expired: 401,
  token_invalid: 401,
  token_type_mismatch: 401,
  user_not_found: 401,
  session_ended: 401,
  key_missing: 401,
  second_factor_required: 401,
  code_invalid: 401,
  passkey_invalid: 401,
  proof_required: 401,
  device_proof_required: 403,
  cross_origin_refused: 403,
  registration_closed: 403,
  operator_protected: 403,
  link_of_another: 403,
  not_found: 404,
  method_not_allowed: 405,
  username_taken: 409,
  email_taken: 409,
  owner_cannot_leave: 409,
  factor_missing: 409,
  viewer_changed: 409,
  link_ended: 410,
  challenge_ended: 410,
  payload_too_large: 413,
  unsupported_media_type: 415,
  validation_failed: 422,
  idempotency_key_reused: 422,
  rate_limited: 429,
  internal_error: 500,
  unavailable: 503,
  too_busy: 503,
} as const;

export type ErrorCode = keyof typeof ERROR_STATUS;

/** Why a session ended. Kept in its row, told to programs as `reason` and to people in words. */
export const END_REASONS = [
  "logout",
  "logout_all",
  "revoked",
  "revoked_by_operator",
  "password_changed",
  "factors_changed",
  "reuse_detected",
  "expired_idle",
  "expired_absolute",
  "user_disabled",
  "user_deleted",
  "restored",
] as const;

export type EndReason = (typeof END_REASONS)[number];

/** What is wrong with one field of the input. The value itself is never part of an error. */
export const FIELD_CODES = [
  "required",
  "wrong_type",
  "too_short",
  "too_long",
  "invalid",
  "ill_formed",
  "username_characters",
  "mixed_scripts",
  "reserved",
  "guessable",
  "wrong_password",
  "wrong_code",
  "no_such_user",
  "too_many",
] as const;

export type FieldCode = (typeof FIELD_CODES)[number];

/** What makes a password guessable, by zxcvbn's names. */
export const PASSWORD_WARNINGS = [
  "straightRow",
  "keyPattern",
  "simpleRepeat",
  "extendedRepeat",
  "sequences",
  "recentYears",
  "dates",
  "topTen",
  "topHundred",
  "common",
  "similarToCommon",
  "wordByItself",
  "namesByThemselves",
  "commonNames",
  "userInputs",
] as const;

/** What would make it better, by zxcvbn's names. */
export const PASSWORD_SUGGESTIONS = [
  "l33t",
  "reverseWords",
  "allUppercase",
  "capitalization",
  "dates",
  "recentYears",
  "associatedYears",
  "sequences",
  "repeated",
  "longerKeyboardPattern",
  "anotherWord",
  "useWords",
] as const;

export type PasswordAdvice = {
  warning: (typeof PASSWORD_WARNINGS)[number] | null;
  suggestions: (typeof PASSWORD_SUGGESTIONS)[number][];
};

export type FieldError = { field: string; code: FieldCode; limit?: number; advice?: PasswordAdvice };

/** How a session ended: why, when (epoch milliseconds), and by which device where one did it. */
export type SessionEnd = {
  sessionId: string;
  reason: EndReason;
  at: number;
  userAgent: string | null;
  ip: string | null;
  /** Written down, and so for good; not yet where time ran out by a clock that was set just now. */
  isRecorded: boolean;
};

/** By what somebody may prove who they are where a challenge asks for it. */
export const PROOF_KINDS = ["totp", "passkey", "recovery_code", "password"] as const;

export type ProofKind = (typeof PROOF_KINDS)[number];

/** A challenge as it is given out: what would do, and for a passkey what to ask the browser for (Web Authentication, as JSON). */
export type Asked = { challenge: string; factors: ProofKind[]; passkeyOptions: object | null };

export type ErrorDetails = {
  fields?: FieldError[];
  end?: SessionEnd;
  allow?: string[];
  retryAfterSeconds?: number;
  /** Codings of a body that would be taken (RFC 9110 section 15.5.16). */
  acceptEncoding?: string;
  /** What the next proof must carry (RFC 9449 section 8). */
  dpopNonce?: string;
  /** What a browser is to sign with its device's key (Device Bound Session Credentials). */
  deviceChallenge?: { challenge: string; id?: string | undefined };
  /** What has to be proved first, and how to answer (`second_factor_required`, `proof_required`). */
  asked?: Asked;
  /** A protected resource was asked for by this scheme: a proof that is wrong is then 401 (RFC 9449 section 7.1). */
  scheme?: "DPoP";
  cause?: unknown;
};

/** The one error that crosses layers. `cause` is for the log and never leaves the process. */
export class DuetError extends Error {
  readonly status: number;

  constructor(
    readonly code: ErrorCode,
    readonly details: ErrorDetails = {},
  ) {
    super(code, { cause: details.cause });
    this.name = "DuetError";
    this.status = details.scheme && ERROR_STATUS[code] === 400 ? 401 : ERROR_STATUS[code];
  }
}

/** A `validation_failed` (422) about one field. */
export const invalidField = (field: string, code: FieldCode, limit?: number) =>
  new DuetError("validation_failed", {
    fields: [limit === undefined ? { field, code } : { field, code, limit }],
  });

/** What keeps Duet from starting: one line for the operator. Nothing has been overwritten when it is thrown. */
export class StartError extends Error {
  override name = "StartError";
}
