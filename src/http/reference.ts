import type { DocumentDecoration, TSchema } from "elysia";
import type { ErrorCode } from "../errors.ts";
import type { OperationId, Topic } from "../locales/index.ts";

/**
 * What the reference (`/openapi.json`, `/docs`) says of a route beside the schemas of its input. It is not checked while
 * Duet runs, which would cost every answer; the tests check every answer that any of them gets against it.
 */
export type Notes = {
  /** By status: the schema of the body, null where there is none, the media type of what is not JSON. */
  answers: Record<number, TSchema | string | null>;
  /** Beside those that follow from the route: its guard, its body, an id in its path. */
  errors: ErrorCode[];
  /** Request headers that mean something here alone. */
  headers: string[];
};

/** Elysia carries it along with the route. */
type Described = DocumentDecoration & { operationId: OperationId; notes: Notes };

export const says = (
  operationId: OperationId,
  answers: Notes["answers"],
  errors: ErrorCode[] = [],
  headers: string[] = [],
): { detail: DocumentDecoration } => {
  const detail: Described = { operationId, notes: { answers, errors, headers } };
  return { detail };
};

const BY_TOKEN = [{ bearer: [] }, { dpop: [] }];
const SECURITY = { nobody: [], token: BY_TOKEN, tokenOrCookie: [...BY_TOKEN, { cookie: [] }] };

/** What the routes of one plugin have in common: their topic, and whether an access token is needed and where it may be. */
export const about = (
  topic: Topic,
  guard: keyof typeof SECURITY = "nobody",
): { detail: DocumentDecoration } => ({ detail: { tags: [topic], security: SECURITY[guard] } });

/** The errors of whoever may show a proof of possession where no token is asked for. */
export const PROOF_ERRORS: ErrorCode[] = ["invalid_dpop_proof", "use_dpop_nonce"];

/** Of whoever answers a challenge. */
export const SIGN_IN_ERRORS: ErrorCode[] = [
  "second_factor_required",
  "challenge_ended",
  "code_invalid",
  "passkey_invalid",
];

/** Why a refresh token is refused. */
export const TOKEN_ERRORS: ErrorCode[] = [
  "token_expired",
  "token_invalid",
  "token_type_mismatch",
  "user_not_found",
  "session_ended",
  "key_missing",
];

/** Gives a schema the name under which the document has it once, for all who answer with it. */
export const named = <T extends TSchema>(title: string, schema: T): T => ({ ...schema, title });

export const notesOf = (detail: object): Notes | undefined => (detail as Partial<Described>).notes;

/** As much of OpenAPI 3.1 as the document has. */
export type Schema = {
  $ref?: string;
  title?: string;
  type?: string | string[];
  format?: string;
  description?: string;
  enum?: (string | null)[];
  const?: unknown;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  anyOf?: Schema[];
  allOf?: Schema[];
  examples?: unknown[] | undefined;
  [key: string]: unknown;
};
export type Parameter = {
  name: string;
  in: "path" | "query" | "header";
  required: boolean;
  description?: string;
  schema: Schema;
};
export type Media = {
  schema: Schema;
  example?: unknown;
  examples?: Record<string, { $ref: string } | { value: object }>;
};
export type Answer = { description: string; headers?: object; content?: Record<string, Media> };
export type Operation = {
  operationId: string;
  tags: string[];
  summary: string;
  security: object[];
  parameters?: Parameter[];
  requestBody?: { required: boolean; content: Record<string, Media> };
  responses: Record<string, Answer>;
};
export type Document = {
  openapi: string;
  info: object;
  servers: { url: string }[];
  tags: { name: string; description: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema>; examples: object; securitySchemes: object };
};
