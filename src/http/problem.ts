import { Elysia, type AnyElysia, type ValidationError } from "elysia";
import type { EndedSession } from "../client/wire.ts";
import { nameDevice } from "../core/auth/devices.ts";
import { PROOF_ALGORITHMS } from "../core/auth/proofs.ts";
import { DuetError, type ErrorCode, type FieldError, type SessionEnd } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Log } from "../core/log.ts";
import { describe, describeField, describeReason, LOCALES, type Language } from "../locales/index.ts";
import { languageOf } from "./language.ts";
import type { Edge } from "./edge.ts";
import { askedBody, isOAuth, oauthError } from "./oauth.ts";
import { requestIdOf, traceIdOf } from "./connection.ts";
import { challengeHeader, deviceSessionOf, isAboutDevice } from "./dbsc.ts";

/** Draws an error; null leaves it to the JSON renderer. */
export type RenderPage = (error: DuetError, request: Request, body: unknown) => Promise<Response | null>;

/**
 * The one way out for every error: made a DuetError, then a page or RFC 9457 problem details.
 * Must be used before the routes: Elysia's hooks reach only what is registered after them.
 */
export const problems = (deps: {
  root: () => AnyElysia;
  renderPage: RenderPage;
  deviceOf: Edge["deviceOf"];
  log: Log;
}) =>
  new Elysia({ name: "problems" }).onError(
    { as: "global" },
    async ({ error, code, request, server, body }) => {
      const problem = toDuetError(error, code, request, deps.root());
      if (problem.code === "rate_limited") {
        const { ip } = deps.deviceOf({ request, server });
        deps.log("info", problem.code, { request_id: requestIdOf(request), path: pathOf(request), ip });
      }
      if (problem.status >= 500) {
        const facts = {
          request_id: requestIdOf(request),
          trace_id: traceIdOf(request),
          path: pathOf(request),
          cause: causeOf(problem),
        };
        deps.log("error", problem.code, facts);
      }
      return (await deps.renderPage(problem, request, body)) ?? renderProblem(problem, request);
    },
  );

/**
 * RFC 9457, and RFC 6750 section 3 for what concerns the token; the OAuth routes have a shape of their own. Only
 * codes, words and limits: never a value that was sent.
 */
export function renderProblem(error: DuetError, request: Request): Response {
  const headers = new Headers(headersOf(error));
  let { status } = error;
  if (isAboutDevice(request) && status < 500) {
    // A browser forgets its key at any 4xx but 403, and at a 403 without a challenge (Device Bound Session Credentials).
    const any = { challenge: requestIdOf(request), id: deviceSessionOf(request) };
    headers.set("secure-session-challenge", challengeHeader(error.details.deviceChallenge ?? any));
    headers.delete("www-authenticate");
    status = 403;
  }
  if (isOAuth(request)) {
    const { status, body, challenge: asked } = oauthError(error, request);
    headers.delete("www-authenticate");
    if (asked) headers.set("www-authenticate", asked);
    return Response.json(body, { status, headers });
  }
  const language = languageOf(request);
  const body = { ...problemBody(error, language, requestIdOf(request)), status };
  headers.set("content-type", "application/problem+json");
  headers.set("content-language", language);
  return Response.json(body, { status, headers });
}

/** The body of RFC 9457. */
export function problemBody(error: DuetError, language: Language, requestId: string) {
  const { title, detail } = describe(language, error);
  const { fields, end, asked } = error.details;
  return {
    type: "about:blank",
    title,
    status: error.status,
    detail,
    code: error.code,
    ...(end && endBody(end, language)),
    ...(asked && askedBody(asked)),
    ...(fields && {
      errors: fields.map((f) => ({ field: f.field, code: f.code, detail: describeField(language, f) })),
    }),
    ...(error.status >= 500 && { instance: `urn:uuid:${requestId}` }),
  };
}

/** What an error says beside its body, whatever shape that has. */
export function headersOf(error: DuetError): Record<string, string> {
  const { allow, retryAfterSeconds, acceptEncoding, dpopNonce, deviceChallenge } = error.details;
  // What cannot be done now may be in a second, where nothing is known of it.
  const wait = retryAfterSeconds ?? (error.status === 503 ? 1 : undefined);
  return {
    // By it a page's script tells our refusals from those of whatever stands between.
    "duet-error": error.code,
    ...(error.status === 401 && { "www-authenticate": challenge(error) }),
    ...(deviceChallenge && { "secure-session-challenge": challengeHeader(deviceChallenge) }),
    ...(dpopNonce && { "dpop-nonce": dpopNonce }),
    ...(allow && { allow: allow.join(", ") }),
    ...(acceptEncoding && { "accept-encoding": acceptEncoding }),
    ...(wait && { "retry-after": String(wait) }),
    ...(error.code === "payload_too_large" && { connection: "close" }),
  };
}

/** Why, when, and from which device where one did it; the reason in words where somebody's language is known. */
export const endBody = ({ reason, at, userAgent, ip }: SessionEnd, language?: Language): EndedSession => ({
  reason,
  ...(language && { reason_detail: describeReason(language, reason) }),
  ended_at: new Date(at).toISOString(),
  ended_by:
    ip === null ? null : { device: nameDevice(userAgent ?? "", LOCALES[language ?? "en"].onDevice), ip },
});

/** Refusals of what came without a token. */
const WITHOUT_TOKEN = new Set<ErrorCode>([
  "token_missing",
  "invalid_credentials",
  "second_factor_required",
  "code_invalid",
  "passkey_invalid",
]);

/**
 * Without a token there is no error of it to name (RFC 6750 section 3.1, RFC 9449 section 7.1). One that is good and not
 * enough is RFC 9470's.
 */
export function challenge({ code, details }: DuetError): string {
  const scheme = details.scheme ?? "Bearer";
  const algorithms = details.scheme ? `, algs="${PROOF_ALGORITHMS.join(" ")}"` : "";
  if (WITHOUT_TOKEN.has(code)) return `${scheme} realm="duet"${algorithms}`;
  if (code === "proof_required")
    return `${scheme} realm="duet", error="insufficient_user_authentication", max_age=${LIMITS.proofAgeMs / 1000}${algorithms}`;
  const isProofs = code === "invalid_dpop_proof" || code === "use_dpop_nonce";
  return `${scheme} realm="duet", error="${isProofs ? code : "invalid_token"}"${algorithms}`;
}

function toDuetError(error: unknown, code: unknown, request: Request, root: AnyElysia): DuetError {
  if (error instanceof DuetError) return error;
  switch (code) {
    case "NOT_FOUND":
      return missing(request, root);
    case "PARSE": {
      const { cause } = error as Error;
      return cause instanceof DuetError ? cause : new DuetError("malformed_body", { cause: error });
    }
    case "VALIDATION": {
      const invalid = error as ValidationError;
      // The answer, not the question, broke its schema: our fault.
      if (invalid.type === "response") return new DuetError("internal_error", { cause: error });
      return new DuetError("validation_failed", { fields: fieldsOf(invalid) });
    }
    default:
      return new DuetError("internal_error", { cause: error });
  }
}

/** 404, or 405 with what is allowed where only the method is wrong. */
function missing(request: Request, root: AnyElysia): DuetError {
  const path = pathOf(request);
  const methods = new Set(
    root.routes.filter((route) => matches(route.path, path)).map((route) => route.method),
  );
  if (methods.size === 0) return new DuetError("not_found");
  if (methods.has("GET")) methods.add("HEAD");
  return new DuetError("method_not_allowed", { allow: [...methods].toSorted() });
}

function matches(pattern: string, path: string): boolean {
  const expected = pattern.split("/");
  const actual = path.split("/");
  return (
    expected.length === actual.length &&
    expected.every((segment, i) => (segment.startsWith(":") ? actual[i] !== "" : segment === actual[i]))
  );
}

/** TypeBox's own texts quote the input; the field's name and one code are all that is taken from it. */
function fieldsOf(invalid: ValidationError): FieldError[] {
  const fields = new Map<string, FieldError>();
  for (const { path, value } of invalid.all as { path?: string; value?: unknown }[]) {
    const field = path?.replace(/^\//, "").replaceAll("/", ".") || "body";
    if (!fields.has(field))
      fields.set(field, { field, code: value === undefined ? "required" : "wrong_type" });
  }
  return [...fields.values()].slice(0, LIMITS.fieldErrorsMax);
}

const pathOf = (request: Request) => new URL(request.url).pathname;

function causeOf(error: DuetError): string {
  const cause = error.details.cause;
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
}
