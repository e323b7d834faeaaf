import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { decideRotation } from "../src/core/auth/rotation.ts";
import { readUsername, usernameKey } from "../src/core/auth/usernames.ts";
import { eventStream, type SseEvent } from "../src/http/sse.ts";
import { safeNext } from "../src/web/next.ts";
import { ORIGIN, startApp, UNLIMITED, type TestApp } from "./support/app.ts";
import { register, type Person } from "./support/people.ts";

// Input that nobody thought of. A failure prints its seed and the smallest input that still fails.

/** Any string there can be, half characters too, with what is dangerous more often than chance would have it. */
const dangerous = fc.constantFrom(
  ..."<>&\"'`\\/\0\r\n\t\u2028\u2029\u202e\u200b\ufeff%;={}[]:,. ",
  "\ud800",
  "\udc00",
  "<script>",
  "</textarea>",
  "javascript:",
  "' OR 1=1 --",
  "__proto__",
  "${7*7}",
  "é",
  "e\u0301",
  "小",
  "👩‍🚀",
);
const anyText = fc
  .array(fc.oneof(dangerous, fc.string({ unit: "binary", maxLength: 8 })), { maxLength: 12 })
  .map((parts) => parts.join(""));

let t: TestApp;
let alice: Person;
beforeAll(async () => {
  t = await startApp({ ...UNLIMITED, DUET_LOG: "silent" });
  alice = await register(t, "alice");
});
afterAll(() => t[Symbol.asyncDispose]());

/** Whatever comes, the answer is one of ours: no failure inside, one shape, nothing of what was sent. */
async function expectOurs(response: Response, allowed: number[]): Promise<string> {
  const text = await response.text();
  expect(allowed).toContain(response.status);
  if (response.status >= 400 && response.headers.get("content-type")?.includes("json"))
    expect(JSON.parse(text)).toMatchObject({ status: response.status, code: expect.any(String) });
  expect(response.headers.get("x-content-type-options")).toBe("nosniff");
  return text;
}

describe("any", () => {
  test("token but the real one opens nothing", async () => {
    const real = alice.accessToken;
    const changed = fc.oneof(
      fc
        .record({
          at: fc.nat(real.length - 1),
          by: fc.string({ unit: "binary", maxLength: 3 }),
          cut: fc.nat(3),
        })
        .map(({ at, by, cut }) => real.slice(0, at) + by + real.slice(at + cut)),
      fc.shuffledSubarray(real.split("."), { minLength: 0 }).map((parts) => parts.join(".")),
      fc
        .record({ header: fc.jsonValue(), claims: fc.jsonValue() })
        .map(({ header, claims }) =>
          [header, claims, "x"]
            .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
            .join("."),
        ),
      anyText,
    );
    await fc.assert(
      fc.asyncProperty(changed, async (token) => {
        fc.pre(token !== real);
        // By cookie and in a body every character can come; in a header only some.
        const body = JSON.stringify({ refresh_token: token });
        const headers = { "content-type": "application/json" };
        await expectOurs(await t.fetch("/api/auth/refresh", { method: "POST", headers, body }), [401]);
        if (!/^[\x20-\x7e]+$/.test(token)) return;
        const bearer = { authorization: `Bearer ${token}` };
        if (token.trim() !== real)
          await expectOurs(await t.fetch("/api/auth/me", { headers: bearer }), [401]);
      }),
      { numRuns: 400 },
    );
    expect((await alice.call("GET", "/api/auth/me")).status).toBe(200);
  });

  test("cookie header signs nobody in and breaks nothing", async () => {
    const names = fc.constantFrom(
      "duet_access",
      "duet_refresh",
      "duet_gen",
      "duet_ended",
      "duet_language",
      "x",
    );
    const pair = fc.tuple(fc.oneof(names, anyText), anyText).map(([name, value]) => `${name}=${value}`);
    const header = fc.array(pair, { maxLength: 5 }).map((pairs) => pairs.join("; "));
    await fc.assert(
      fc.asyncProperty(header, async (raw) => {
        const cookie = raw.replaceAll(/[^\x20-\x7e\x80-\xff]/g, "");
        for (const path of ["/", "/login", "/conversations", "/auth/refresh"]) {
          const headers = { cookie, "sec-fetch-mode": "navigate" };
          const html = await expectOurs(await t.fetch(path, { headers }), path.length < 7 ? [200] : [303]);
          expect(html).not.toContain("<script>");
        }
      }),
      { numRuns: 200 },
    );
  });

  test("JSON body to any route is taken or refused, and never comes back in a refusal", async () => {
    const marker = "marker-7f3a";
    const fields = fc.constantFrom(
      ..."username password email title body refresh_token current_password new_password token identifier challenge code recovery_code passkey name grant_type".split(
        " ",
      ),
    );
    const value = fc.oneof(
      fc.jsonValue(),
      anyText,
      anyText.map((text) => text + marker),
    );
    const body = fc.oneof(fc.jsonValue(), fc.dictionary(fields, value, { maxKeys: 5 }));
    const routes = [
      ["POST", "/api/auth/login"],
      ["POST", "/api/auth/refresh"],
      ["PATCH", "/api/auth/me"],
      ["POST", "/api/conversations"],
      ["POST", "/api/conversations/01999999-0000-7000-8000-000000000000/messages"],
      ["POST", "/oauth/introspect"],
      ["POST", "/oauth/token"],
      ["POST", "/api/auth/challenge"],
      ["POST", "/api/auth/passkeys/login"],
      ["POST", "/api/auth/passkeys"],
      ["POST", "/api/auth/factors/totp"],
      ["POST", "/api/auth/factors/totp/01999999-0000-7000-8000-000000000000/confirm"],
      ["POST", "/api/auth/forgot"],
      ["POST", "/api/auth/email/confirm"],
      ["POST", "/api/auth/reset"],
    ] as const;
    await fc.assert(
      fc.asyncProperty(body, fc.constantFrom(...routes), async (input, [method, path]) => {
        const headers = { "content-type": "application/json", authorization: `Bearer ${alice.accessToken}` };
        const response = await t.fetch(path, { method, headers, body: JSON.stringify(input) });
        const { status } = response;
        const text = await response.text();
        expect([200, 201, 400, 401, 404, 409, 410, 422]).toContain(status);
        if (status >= 400) expect(text).not.toContain(marker);
        expect(Object.prototype).not.toHaveProperty("username");
      }),
      // Found here once: a value that cannot become the text of a message.
      { numRuns: 400, examples: [[{ token: { toString: [] } }, routes[5]]] },
    );
  });

  test("bytes as a body are a refusal, not a failure", async () => {
    const types = fc.constantFrom(
      "application/json",
      "application/x-www-form-urlencoded",
      "text/plain; j",
      "",
    );
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), types, async (bytes, type) => {
        for (const path of ["/api/auth/login", "/login", "/oauth/token"]) {
          const headers = { "content-type": type, "sec-fetch-site": "same-origin" };
          const response = await t.fetch(path, { method: "POST", headers, body: bytes });
          expect([400, 401, 415, 422]).toContain(response.status);
          await response.body?.cancel();
        }
      }),
      { numRuns: 150 },
    );
  });

  test("title and message comes back as it was sent, in the API, in the stream's words and on the page", async () => {
    const text = anyText.filter((each) => each.trim() !== "" && each.isWellFormed() && !each.includes("\0"));
    const { id } = (await alice.call("POST", "/api/conversations", { title: "x" })).body;
    await fc.assert(
      fc.asyncProperty(text, async (body) => {
        const path = `/conversations/${id}`;
        const sent = await alice.call("POST", `/api${path}/messages`, { body });
        expect([sent.status, sent.body.body]).toEqual([201, body]);
        const title = body.slice(0, 100).trim();
        if (title !== "" && title.isWellFormed()) {
          const renamed = await alice.call("PATCH", `/api${path}`, { title });
          expect([renamed.status, renamed.body.title]).toEqual([200, title]);
        }
        const headers = { cookie: `duet_access=${alice.accessToken}`, "hx-request": "true" };
        const html = await (await t.fetch(`${path}?limit=1`, { headers })).text();
        const shown: string[] = [];
        await new HTMLRewriter()
          .on(".message .body", {
            element: () => void shown.push(""),
            text: (chunk) => void (shown[shown.length - 1] += chunk.text),
          })
          .transform(new Response(html))
          .text();
        // All but the backticks around code.
        const plain = (written: string) => written.replaceAll("`", "");
        expect(plain(unescape(shown.at(-1)!))).toBe(plain(body));
        expect(html).not.toMatch(/<script|<img|<[a-z]+[^>]*\son\w+=/i);
      }),
      { numRuns: 150 },
    );
  });

  test("name is refused, or is one that folds to itself and holds nothing that cannot be seen", () => {
    fc.assert(
      fc.property(fc.oneof(anyText, fc.string({ unit: "grapheme", maxLength: 40 })), (input) => {
        const name = readUsername(input);
        if (typeof name === "string") return;
        expect(usernameKey(name.shown)).toBe(name.key);
        expect(usernameKey(name.key)).toBe(name.key);
        expect(name.shown).toMatch(/^[\p{L}\p{N}\p{M}._-]+$/u);
        expect([...name.shown].length).toBeLessThanOrEqual(32);
      }),
      { numRuns: 3000 },
    );
  });

  test("way on from a sign-in ends on our own host", () => {
    const path = fc.oneof(
      fc.webPath(),
      fc.webUrl(),
      anyText,
      anyText.map((text) => `/${text}`),
    );
    fc.assert(
      fc.property(path, (next) => {
        const resolved = new URL(safeNext(next), ORIGIN);
        expect(resolved.origin).toBe(ORIGIN);
        expect(resolved.pathname).not.toMatch(/^\/auth(\/|$)/);
      }),
      { numRuns: 3000 },
    );
  });

  test("event is one event with its data, whatever a person wrote into it", async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), anyText, async (value, text) => {
        const data = { value, text };
        const events = [{ event: "message", id: "7-x", data }];
        const source = {
          async next(): Promise<IteratorResult<SseEvent, void>> {
            const value = events.shift();
            return value ? { value, done: false } : { value: undefined, done: true };
          },
          return: async () => undefined,
        };
        const raw = await eventStream(source, (event) => event).text();
        const lines = raw.split(/\r\n|\r|\n/);
        expect(lines.slice(0, 2)).toEqual(["event: message", "id: 7-x"]);
        expect(lines.slice(3)).toEqual(["", ""]);
        expect(JSON.parse(lines[2]!.slice("data: ".length))).toEqual(JSON.parse(JSON.stringify(data)));
      }),
      { numRuns: 300 },
    );
  });

  test("language, query and limit that can be written is answered", async () => {
    await fc.assert(
      fc.asyncProperty(anyText, async (text) => {
        const query = new URLSearchParams({ limit: text, cursor: text, before: text }).toString();
        const headers = {
          authorization: `Bearer ${alice.accessToken}`,
          "accept-language": text.replaceAll(/[^\x20-\x7e]/g, ""),
        };
        for (const path of ["/api/conversations", "/api/auth/events"])
          await expectOurs(await t.fetch(`${path}?${query}`, { headers }), [200, 422]);
      }),
      { numRuns: 150 },
    );
  });

  test("moment and generation: only a token whose successor was used is ever reuse", () => {
    const times = fc.integer({ min: 0, max: 1_000_000 });
    const session = fc.record({
      generation: fc.integer({ min: 1, max: 5 }),
      confirmed_at: fc.option(times),
      previous_confirmed_at: fc.option(times),
      key_thumbprint: fc.constant(null),
      idle_ends_at: fc.constant(2_000_000),
      ends_at: fc.constant(2_000_000),
      ended_at: fc.constant(null),
      end_reason: fc.constant(null),
      username: fc.constantFrom("alice", "alice", "alice", null),
      disabled_at: fc.constantFrom(null, null, null, 1),
    });
    fc.assert(
      fc.property(
        session,
        fc.integer({ min: 1, max: 6 }),
        times,
        fc.nat(60_000),
        (row, shown, now, overlap) => {
          const { kind } = decideRotation(row, { generation: shown }, now, { ms: overlap });
          const age = row.generation - shown;
          // Generations before the last but one have successors that were used: only a used one is rotated.
          const isOld = age > 1 || (age === 1 && row.confirmed_at !== null);
          if (row.username === null || row.disabled_at !== null) return expect(kind).toBe("ended");
          if (kind === "reuse") expect(isOld).toBe(true);
          if (age === 0) expect(kind).toBe(kind === "kept" ? "kept" : "newest");
          if (age === 1 && row.confirmed_at === null) expect(kind).toBe("unconfirmed");
          if (age < 0) expect(kind).toBe("unknown");
        },
      ),
      { numRuns: 3000 },
    );
  });
});

/** What an HTML parser would read. */
const unescape = (html: string) =>
  html
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&#x27;", "'")
    .replaceAll("&amp;", "&");
