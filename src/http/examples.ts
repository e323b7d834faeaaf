import { LIMITS } from "../limits.ts";
import type { Schema } from "./reference.ts";

const ID = "01936c7e-3b5a-7c7e-9f53-0e6f4f2a9d11";
const TIME = "2026-11-26T09:00:00.000Z";
const ACCESS = "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl";
const REFRESH = "eyJhbGciOiJIUzI1NiIsInR5cCI6InJ0K2p3dCJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl";

const name = { examples: ["alice"], minLength: LIMITS.usernameCharsMin, maxLength: LIMITS.usernameCharsMax };
const secret = { examples: ["tulips on the windowsill 4"], maxLength: LIMITS.passwordCharsMax };
const id = { examples: [ID] };
const time = { examples: [TIME] };

/** An example of each field, and its bounds where core, not the schema, has them: by its name, or by that of what it is a part of. */
export const KNOWN: Record<string, Partial<Schema>> = {
  id,
  sessionId: id,
  userId: id,
  messageId: id,
  owner_id: id,
  session_id: id,
  conversation_id: id,
  message_id: id,
  before: id,
  after: id,
  username: name,
  "login.username": { minLength: 0, maxLength: LIMITS.emailCharsMax },
  // The one grant of the example needs neither.
  "oauthToken.username": { examples: undefined },
  "oauthToken.password": { examples: undefined },
  password: secret,
  current_password: secret,
  new_password: { ...secret, examples: ["a kettle for the lighthouse"] },
  email: { examples: ["alice@example.com"], maxLength: LIMITS.emailCharsMax },
  title: { examples: ["Saturday on the island"], minLength: 1, maxLength: LIMITS.titleCharsMax },
  conversation_title: { examples: ["Saturday on the island"] },
  body: { examples: ["The ferry leaves at 7:40."], minLength: 1, maxLength: LIMITS.messageCharsMax },
  // Empty where it was taken back.
  "Message.body": { minLength: 0 },
  "FoundMessage.body": { minLength: 0 },
  q: { examples: ["ferry"], maxLength: LIMITS.queryCharsMax },
  access_token: { examples: [ACCESS] },
  refresh_token: { examples: [REFRESH] },
  token: { examples: [ACCESS] },
  expires_in: { examples: [1800] },
  refresh_expires_in: { examples: [604_800] },
  created_at: time,
  updated_at: time,
  seen_at: time,
  joined_at: time,
  idle_ends_at: { examples: ["2026-12-03T09:00:00.000Z"] },
  ends_at: { examples: ["2027-02-24T09:00:00.000Z"] },
  edited_at: { examples: [null] },
  challenge: { examples: ["x7Qmk3v1b0bOq2s8m5m1r0b3nq9d6x2u8y1w4c7t0aE"] },
  "oauthToken.challenge": { examples: undefined },
  code: { examples: ["492039"] },
  "oauthToken.code": { examples: undefined },
  // One answer, not several.
  recovery_code: { examples: undefined },
  passkey: { examples: [{ id: "AbCd", type: "public-key" }] },
  "answerChallenge.passkey": { examples: undefined },
  "answerChallenge.password": { examples: undefined },
  options: { examples: [{ challenge: "AbCd", rpId: "duet.example" }] },
  name: { examples: ["My phone"], minLength: 1, maxLength: LIMITS.factorNameCharsMax },
  last_used_at: time,
  recovery_codes_left: { examples: [8] },
  recovery_codes: { examples: [[]] },
  codes: { examples: [["4F7K-0QXN-V5TM-B2HC"]] },
  uri: { examples: ["otpauth://totp/duet.example:alice?issuer=duet.example&secret=JBSWY3DPEHPK3PXP"] },
  auth_time: { examples: [1_795_424_400] },
  amr: { examples: [["pwd", "otp", "mfa"]] },
  limit: {
    type: "integer",
    minimum: 1,
    maximum: LIMITS.pageItemsMax,
    default: LIMITS.pageItemsDefault,
    examples: [20],
  },
  next: { examples: [null] },
  cursor: { examples: ["MTc2NDE0NzYwMDAwMA"] },
  unread: { examples: [2] },
  device: { examples: ["Firefox on Linux"] },
  ip: { examples: ["203.0.113.7"] },
  current: { examples: [true] },
  operator: { examples: [null] },
  bound: { examples: [false] },
  session_bound: { examples: [false] },
  removed: { examples: [false] },
  is_cut: { examples: [false] },
  active: { examples: [true] },
  grant_type: {
    enum: ["password", "refresh_token", "urn:duet:grant-type:challenge"],
    examples: ["refresh_token"],
  },
  client_secret: { examples: ["of 32 characters or more, by setting"] },
  keys: {
    examples: [
      [
        {
          kty: "EC",
          crv: "P-256",
          alg: "ES256",
          use: "sig",
          kid: "k1",
          x: "f83OJ3D2xF1Bg8vub9tLe1",
          y: "x_FEzRu9m36HLN",
        },
      ],
    ],
  },
  else: { enum: ["401"] },
  issuer: { examples: ["https://duet.example"] },
  token_endpoint: { examples: ["https://duet.example/oauth/token"] },
  revocation_endpoint: { examples: ["https://duet.example/oauth/revoke"] },
  introspection_endpoint: { examples: ["https://duet.example/oauth/introspect"] },
  jwks_uri: { examples: ["https://duet.example/.well-known/jwks.json"] },
  response_types_supported: { examples: [[]] },
  grant_types_supported: { examples: [["password", "refresh_token", "urn:duet:grant-type:challenge"]] },
  dpop_signing_alg_values_supported: { examples: [["ES256", "EdDSA"]] },
  token_endpoint_auth_methods_supported: { examples: [["none"]] },
  revocation_endpoint_auth_methods_supported: { examples: [["none"]] },
  introspection_endpoint_auth_methods_supported: { examples: [["Bearer"]] },
  ui_locales_supported: { examples: [["en", "zh"]] },
};

/** What a body of this schema may look like: fields that need not be there only where they have an example. */
export function exampleOf(schema: Schema, components: Record<string, Schema>): unknown {
  if (schema.$ref) return exampleOf(components[schema.$ref.split("/").at(-1)!]!, components);
  if (schema.examples) return schema.examples[0];
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum[0];
  if (schema.anyOf) return exampleOf(schema.anyOf[0]!, components);
  if (schema.items) return [exampleOf(schema.items, components)];
  if (!schema.properties) return schema.type === "object" ? {} : "";
  const shown = Object.entries(schema.properties).filter(
    ([key, each]) => schema.required?.includes(key) || each.examples,
  );
  return Object.fromEntries(shown.map(([key, each]) => [key, exampleOf(each, components)]));
}
