import type { ErrorCode } from "../errors.ts";

/** When each error is met, for the reference. */
export const when: Record<ErrorCode, string> = {
  malformed_body: "not JSON (or not a form), a name twice, not UTF-8, nested too deep",
  malformed_request: "a Host that can be none",
  invalid_dpop_proof:
    "a proof of possession is missing, is of another request, key or time, or was used; 401 on what it should have opened",
  use_dpop_nonce: "a proof without the nonce of the header DPoP-Nonce: once more with that; 401 likewise",
  invalid_credentials: "no such user, a wrong password or a disabled account: the same",
  second_factor_required: "the password was right: answer the challenge by one of the factors",
  code_invalid: "the code or recovery code is not one of theirs, or was used",
  passkey_invalid: "it is not theirs, was made for another origin, or its counter went back",
  proof_required:
    "the last proof is older than ten minutes: answer the challenge, then once more with the new access token (RFC 9470)",
  token_missing: "no token came",
  token_expired: "it was good once",
  token_invalid: "it is not one of ours",
  token_type_mismatch: "one of ours, but the other one",
  user_not_found: "its user is gone",
  session_ended: "with the reason",
  key_missing: "a token of a session that is bound to a device, without its key",
  device_proof_required:
    "to a browser that asks for a new cookie: sign the challenge of Secure-Session-Challenge",
  cross_origin_refused: "a change of state asked for by another site with cookies or a form",
  registration_closed: "by setting, and without an invitation",
  operator_protected: "what an operator’s page does is done to operators by the command line alone",
  not_found: "not there, or not yours",
  method_not_allowed: "with Allow",
  username_taken: "in any spelling that folds to the same",
  email_taken: "it is another account’s",
  owner_cannot_leave: "they can delete it",
  factor_missing: "recovery codes are for who has a second factor",
  viewer_changed: "somebody else has signed in in this browser since the page was made",
  link_of_another: "a link of a letter, in the session of another account than the one it is for",
  link_ended:
    "a link to set a password or to confirm an address, or an invitation, that was used, has ended or never was one",
  challenge_ended:
    "a challenge that was answered, has ended, took five tries or never was one; also after a new password",
  payload_too_large: "more than 128 KiB",
  unsupported_media_type: "anything but application/json (pages: forms), or compressed",
  validation_failed: "with every faulty field",
  idempotency_key_reused: "the key came before, in the last 7 days, with another text",
  rate_limited: "beyond a limit; Retry-After says when again",
  internal_error: "a request id, which the log knows, and nothing else",
  unavailable: "the database cannot: never answered as 401",
  too_busy:
    "more sign-ins at once than may wait for hashing; more proofs of one key, or signatures of one session, than its limit",
};
