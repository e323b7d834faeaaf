import { DuetError, END_REASONS, ERROR_STATUS, FIELD_CODES, PROOF_KINDS, type ErrorCode } from "../errors.ts";
import { describe, type Language } from "../locales/index.ts";
import { oauthNameOf } from "./oauth.ts";
import { problemBody } from "./problem.ts";
import { PROOF_ERRORS, TOKEN_ERRORS, type Operation, type Schema } from "./reference.ts";

const JSON_TYPE = "application/json";
const PROBLEM_TYPE = "application/problem+json";
const ID = "01936c7e-3b5a-7c7e-9f53-0e6f4f2a9d11";
const TIME = "2026-11-26T09:00:00.000Z";

export const isOAuthPath = (path: string) => path.startsWith("/oauth/");

/** What any request may meet. */
const ANYWHERE: ErrorCode[] = [
  "malformed_request",
  "payload_too_large",
  "internal_error",
  "unavailable",
  "too_busy",
];
const OF_A_GUARD: ErrorCode[] = ["token_missing", ...TOKEN_ERRORS, ...PROOF_ERRORS];
const OF_A_CHANGE: ErrorCode[] = ["malformed_body", "unsupported_media_type", "cross_origin_refused"];

/** By status, with an example for each code: those that follow from what the route is, and those of its notes. */
export function errorsOf(
  route: { path: string; changes: boolean; isGuarded: boolean; hasInput: boolean; hasId: boolean },
  noted: ErrorCode[],
): Operation["responses"] {
  const { path, changes, isGuarded, hasInput, hasId } = route;
  const codes = new Set<ErrorCode>([
    ...ANYWHERE,
    ...(isGuarded ? OF_A_GUARD : []),
    ...(changes ? OF_A_CHANGE : []),
    ...(hasInput ? ["validation_failed" as const] : []),
    ...(hasId ? ["not_found" as const] : []),
    ...noted,
  ]);
  const isOAuth = isOAuthPath(path);
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of Object.keys(ERROR_STATUS) as ErrorCode[]) {
    if (!codes.has(code)) continue;
    const isOfProof = isGuarded && PROOF_ERRORS.includes(code);
    const error = new DuetError(code, isOfProof ? { scheme: "DPoP" } : {});
    const status = isOAuth ? oauthNameOf(error, path).status : error.status;
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, all]) => [
      status,
      {
        description: all.join(", "),
        ...headersOf(status),
        content: {
          [isOAuth ? JSON_TYPE : PROBLEM_TYPE]: {
            schema: isOAuth ? oauthSchemaOf(all, path) : problemSchemaOf(all),
            examples: Object.fromEntries(
              all.map((code) => [
                code,
                isOAuth ? { value: oauthExampleOf(code, path) } : { $ref: `#/components/examples/${code}` },
              ]),
            ),
          },
        },
      },
    ]),
  );
}

const headersOf = (status: number) => {
  const name = { 401: "WWW-Authenticate", 429: "Retry-After", 503: "Retry-After" }[status];
  return name && { headers: { [name]: { schema: { type: "string" } } } };
};

const problemSchemaOf = (codes: ErrorCode[]): Schema => ({
  allOf: [{ $ref: "#/components/schemas/Problem" }],
  properties: { code: { type: "string", enum: codes } },
});

const oauthSchemaOf = (codes: ErrorCode[], path: string): Schema => {
  const names = codes.map((code) => oauthNameOf(new DuetError(code), path).name);
  if (path === "/oauth/token" && codes.includes("validation_failed")) names.push("unsupported_grant_type");
  return {
    allOf: [{ $ref: "#/components/schemas/OAuthError" }],
    properties: { error: { type: "string", enum: [...new Set(names)] } },
  };
};

function oauthExampleOf(code: ErrorCode, path: string): object {
  const error = new DuetError(code);
  return { error: oauthNameOf(error, path).name, error_description: describe("en", error).detail };
}

/** An example of every error. */
export function examplesOfErrors(language: Language): Record<string, { value: object }> {
  const examples: Record<string, { value: object }> = {};
  for (const code of Object.keys(ERROR_STATUS) as ErrorCode[]) {
    const error = new DuetError(code, {
      ...(code === "session_ended" && {
        end: {
          sessionId: ID,
          reason: "logout" as const,
          at: Date.parse(TIME),
          userAgent: "curl/8.5.0",
          ip: "203.0.113.7",
          isRecorded: true,
        },
      }),
      ...(code === "validation_failed" && { fields: [{ field: "title", code: "required" as const }] }),
      ...((code === "second_factor_required" || code === "proof_required") && {
        asked: {
          challenge: "x7Qm…",
          factors: ["totp" as const, "recovery_code" as const],
          passkeyOptions: null,
        },
      }),
      ...(code === "rate_limited" && { retryAfterSeconds: 30 }),
    });
    examples[code] = { value: problemBody(error, language, ID) };
  }
  return examples;
}

/** With `second_factor_required` and `proof_required`. */
const ASKED: Record<string, Schema> = {
  challenge: { type: "string" },
  factors: { type: "array", items: { type: "string", enum: [...PROOF_KINDS] } },
  passkey_options: { type: ["object", "null"] },
};

/** RFC 9457, and RFC 6749 section 5.2. */
export const problemSchemas = (): Record<string, Schema> => ({
  Problem: {
    type: "object",
    required: ["type", "title", "status", "detail", "code"],
    properties: {
      type: { type: "string", const: "about:blank" },
      title: { type: "string" },
      status: { type: "integer" },
      detail: { type: "string" },
      code: { type: "string" },
      errors: {
        type: "array",
        items: {
          type: "object",
          required: ["field", "code", "detail"],
          properties: {
            field: { type: "string" },
            code: { type: "string", enum: [...FIELD_CODES] },
            detail: { type: "string" },
          },
        },
      },
      ...ASKED,
      reason: { type: "string", enum: [...END_REASONS] },
      reason_detail: { type: "string" },
      ended_at: { type: "string", format: "date-time" },
      ended_by: {
        anyOf: [
          {
            type: "object",
            required: ["device", "ip"],
            properties: { device: { type: ["string", "null"] }, ip: { type: "string" } },
          },
          { type: "null" },
        ],
      },
      instance: { type: "string" },
    },
  },
  OAuthError: {
    type: "object",
    required: ["error", "error_description"],
    properties: {
      error: { type: "string" },
      error_description: { type: "string" },
      ...ASKED,
      reason: { type: "string", enum: [...END_REASONS] },
    },
  },
});
