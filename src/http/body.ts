import { Elysia } from "elysia";
import { DuetError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { holdBody, noteBodyRead } from "./connection.ts";
import { parseJsonObject } from "./json.ts";

/**
 * Bodies of some media types and no other. Elysia guesses the parser from one character of the header, so that a
 * cross-site `text/plain; j` would be read as JSON; here the whole type is compared, the bytes are counted as
 * they come, and the text must be UTF-8.
 */
const bodiesOf = (parsers: Record<string, (text: string) => unknown>) =>
  new Elysia({ name: "bodies", seed: Object.keys(parsers) }).onParse(
    { as: "scoped" },
    async ({ request }) => {
      const bytes = await readBytes(request);
      if (bytes.byteLength === 0) return {};
      const coding = (request.headers.get("content-encoding") ?? "identity").trim().toLowerCase();
      if (coding !== "identity")
        throw new DuetError("unsupported_media_type", { acceptEncoding: "identity" });
      const type = (request.headers.get("content-type") ?? "").split(";")[0]!.trim().toLowerCase();
      const parse = Object.hasOwn(parsers, type) ? parsers[type] : undefined;
      if (!parse) throw new DuetError("unsupported_media_type");
      try {
        return parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
      } catch (cause) {
        throw new DuetError("malformed_body", { cause });
      }
    },
  );

function parseForm(text: string): Record<string, string> {
  const pairs = [...new URLSearchParams(text)];
  const fields = new Map(pairs);
  // Which of two values is meant is anybody's guess, so it is nobody's.
  if (fields.size !== pairs.length) throw new Error("a field appears twice");
  return Object.fromEntries(fields);
}

const JSON_TYPE = "application/json";
const FORM_TYPE = "application/x-www-form-urlencoded";

export const jsonBodies = bodiesOf({ [JSON_TYPE]: parseJsonObject });
export const formBodies = bodiesOf({ [FORM_TYPE]: parseForm });
export const formOrJsonBodies = bodiesOf({ [FORM_TYPE]: parseForm, [JSON_TYPE]: parseJsonObject });

/** Error codes: `payload_too_large`; `malformed_body` where its sender went; `too_busy` where it does not come and others need the room. */
export async function readBytes(request: Request): Promise<Uint8Array<ArrayBuffer>> {
  if (!request.body) return new Uint8Array();
  const announced = Number(request.headers.get("content-length") ?? Number.NaN);
  if (announced <= LIMITS.connectionBytes) return readSmall(request);
  const reader = request.body.getReader();
  // Where the connection is gone, this says so again, to nobody.
  const stop = () => reader.cancel().catch(() => {});
  let isGivenUp = false;
  const held = holdBody(request, () => {
    isGivenUp = true;
    void stop();
  });
  const readSome = () =>
    reader.read().catch((cause: unknown) => {
      throw new DuetError("malformed_body", { cause });
    });
  try {
    const chunks: Uint8Array[] = [];
    let length = 0;
    for (let next; !(next = await readSome()).done;) {
      length += next.value.byteLength;
      if (length > LIMITS.bodyBytes) throw new DuetError("payload_too_large");
      held?.moved(length);
      chunks.push(next.value);
    }
    if (isGivenUp) throw new DuetError("too_busy", { retryAfterSeconds: 5 });
    noteBodyRead(request);
    return Buffer.concat(chunks, length);
  } finally {
    held?.end();
    void stop();
  }
}

/** The same, of a body that is held as one connection whether it has come or not. */
async function readSmall(request: Request): Promise<Uint8Array<ArrayBuffer>> {
  const { promise: givenUp, reject } = Promise.withResolvers<never>();
  const held = holdBody(request, () => reject(new DuetError("too_busy", { retryAfterSeconds: 5 })));
  try {
    const bytes = await Promise.race([request.bytes(), givenUp]);
    noteBodyRead(request);
    return bytes;
  } catch (cause) {
    throw cause instanceof DuetError ? cause : new DuetError("malformed_body", { cause });
  } finally {
    held?.end();
  }
}

/** Refuses before a byte of it is read. */
export const refuseLargeBodies = new Elysia({ name: "large-bodies" }).onRequest(({ request }) => {
  if (Number(request.headers.get("content-length") ?? 0) > LIMITS.bodyBytes)
    throw new DuetError("payload_too_large");
});
