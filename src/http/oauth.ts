import type { Asked, DuetError, ErrorCode } from "../errors.ts";
import { describe } from "../locales/index.ts";

/** The error names of RFC 6749 section 5.2 and RFC 6750 section 3.1; what is not named here is `invalid_request`. */
const NAMES: Partial<Record<ErrorCode, string>> = {
  invalid_credentials: "invalid_grant",
  second_factor_required: "second_factor_required",
  challenge_ended: "invalid_grant",
  code_invalid: "invalid_grant",
  passkey_invalid: "invalid_grant",
  token_expired: "invalid_grant",
  token_invalid: "invalid_grant",
  token_type_mismatch: "invalid_grant",
  user_not_found: "invalid_grant",
  session_ended: "invalid_grant",
  key_missing: "invalid_grant",
  device_proof_required: "invalid_grant",
  invalid_dpop_proof: "invalid_dpop_proof",
  use_dpop_nonce: "use_dpop_nonce",
  registration_closed: "access_denied",
  cross_origin_refused: "access_denied",
  internal_error: "server_error",
  rate_limited: "temporarily_unavailable",
  too_busy: "temporarily_unavailable",
  unavailable: "temporarily_unavailable",
};

const pathOf = (request: Request) => URL.parse(request.url)?.pathname ?? "";

export const isOAuth = (request: Request): boolean => pathOf(request).startsWith("/oauth/");

/** A challenge as whoever has to answer it gets it, beside the error. */
export const askedBody = ({ challenge, factors, passkeyOptions }: Asked) => ({
  challenge,
  factors,
  passkey_options: passkeyOptions,
});

/**
 * An error as RFC 6749 section 5.2 has it. A grant that is refused is 400 there; 401 is for a caller who must say
 * who they are, which is only whoever introspects. The description is ASCII by that standard, so it is English.
 */
export function oauthError(
  error: DuetError,
  request: Request,
): { status: number; body: object; challenge: string | null } {
  const { status, name } = oauthNameOf(error, pathOf(request));
  const body = {
    error: name,
    error_description: describe("en", error).detail,
    ...(error.details.asked && askedBody(error.details.asked)),
    ...(error.details.end && { reason: error.details.end.reason }),
  };
  return { status, body, challenge: status === 401 ? 'Basic realm="duet", Bearer realm="duet"' : null };
}

/** Under which status and name it travels on a path of these. */
export function oauthNameOf(error: DuetError, path: string): { status: number; name: string } {
  if (error.status === 401 && path === "/oauth/introspect") return { status: 401, name: "invalid_client" };
  const isGrants = error.status === 401 || error.status === 410 || error.status === 422;
  const status = isGrants ? 400 : error.status;
  const isUnknownGrant = error.details.fields?.some((f) => f.field === "grant_type" && f.code === "invalid");
  return {
    status,
    name: isUnknownGrant ? "unsupported_grant_type" : (NAMES[error.code] ?? "invalid_request"),
  };
}
