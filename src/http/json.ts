/** A key that an object may not bring: Elysia puts a value that it refuses into a message, and `{"toString": 1}` throws there. */
const CONVERSIONS = new Set(["toString", "valueOf", "toJSON"]);

/**
 * A JSON object; `null` is an empty one. Throws where the text is none: not JSON, JSON of another kind, or a key that is there twice, of which
 * nobody knows which value is meant (RFC 8259 section 4).
 */
export function parseJsonObject(text: string): Record<string, unknown> {
  const value: unknown = JSON.parse(text, (key, member) => (CONVERSIONS.has(key) ? undefined : member));
  // What many clients send where there is nothing to say.
  if (value === null) return {};
  if (typeof value !== "object" || Array.isArray(value)) throw new Error("not an object");
  refuseRepeatedKeys(text);
  return value as Record<string, unknown>;
}

/** In text that is known to be JSON: strings and brackets are all that matter, and a string before a colon is a key. */
function refuseRepeatedKeys(text: string): void {
  const open: (Set<string> | null)[] = [];
  for (const [token, colon] of text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/g))
    if (token === "{") open.push(new Set());
    else if (token === "[") open.push(null);
    else if (token === "}" || token === "]") open.pop();
    else if (colon) {
      const keys = open.at(-1);
      // Two spellings of one key are one key: `"a"` and `"\u0061"`.
      const key = JSON.parse(token.slice(0, token.lastIndexOf('"') + 1)) as string;
      if (keys?.has(key)) throw new Error("a key appears twice");
      keys?.add(key);
    }
}
