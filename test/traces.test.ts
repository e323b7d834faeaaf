import { describe, expect, test } from "bun:test";
import { startApp, UNLIMITED } from "./support/app.ts";
import { me, register } from "./support/people.ts";

/** A collector, as far as HTTP goes; `answers` is what it says, one after the other, the last one for good. */
function collector(...answers: number[]) {
  const batches: any[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      batches.push({
        path: new URL(request.url).pathname,
        type: request.headers.get("content-type"),
        body: await request.json(),
      });
      return new Response("{}", { status: answers.length > 1 ? answers.shift()! : (answers[0] ?? 200) });
    },
  });
  const spans = () => batches.flatMap(({ body }) => body.resourceSpans[0].scopeSpans[0].spans);
  return { url: `http://127.0.0.1:${server.port}/v1/traces`, batches, spans, stop: () => server.stop(true) };
}

const attributesOf = (span: any) =>
  Object.fromEntries(
    span.attributes.map(({ key, value }: any) => [key, value.stringValue ?? Number(value.intValue)]),
  );

describe("traces", () => {
  test("have a span for each request, by its route, in the trace of whoever asked, and nothing that was sent", async () => {
    const to = collector();
    const t = await startApp({ ...UNLIMITED, DUET_TRACES_URL: to.url });
    const alice = await register(t, "alice");
    const { id } = (await alice.call("POST", "/api/conversations", { title: "a secret title" })).body;
    const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    const parent = "00f067aa0ba902b7";
    await alice.call("GET", `/api/conversations/${id}?secret=1`, undefined, {
      traceparent: `00-${trace}-${parent}-01`,
    });
    await me(t, alice.accessToken);
    await me(t, alice.accessToken);
    // Somebody decided that this trace is not kept.
    await t.fetch("/healthz", { headers: { traceparent: `00-${trace}-${parent}-00` } });
    await t.fetch("/made/up/by-somebody");
    await t.app.close();
    // The tests themselves ask for the reference, once.
    const spans = to.spans().filter(({ name }: any) => name !== "GET /openapi.json");
    expect(spans.map(({ name }: any) => name)).toEqual([
      "POST /api/auth/register",
      "POST /api/conversations",
      "GET /api/conversations/:id",
      "GET /api/auth/me",
      "GET /api/auth/me",
      "GET none",
    ]);
    const [first, , read] = spans;
    expect(read).toMatchObject({ traceId: trace, parentSpanId: parent, kind: 2 });
    expect(first.parentSpanId).toBeUndefined();
    for (const span of spans) {
      expect(span.traceId).toMatch(/^[\da-f]{32}$/);
      expect(span.spanId).toMatch(/^[\da-f]{16}$/);
      expect(BigInt(span.endTimeUnixNano) >= BigInt(span.startTimeUnixNano)).toBe(true);
      expect(Math.abs(Number(BigInt(span.startTimeUnixNano) / 1_000_000n) - Date.now())).toBeLessThan(60_000);
    }
    expect(new Set(spans.map(({ spanId }: any) => spanId)).size).toBe(spans.length);
    expect(attributesOf(first)).toMatchObject({
      "http.route": "/api/auth/register",
      "http.response.status_code": 201,
    });
    expect(to.batches[0]).toMatchObject({ path: "/v1/traces", type: "application/json" });
    expect(JSON.stringify(to.batches)).not.toMatch(new RegExp(`secret|alice|eyJ|${id}`));
    await to.stop();
  });

  test("that nobody takes are dropped, and said to be; requests are answered meanwhile", async () => {
    const to = collector(500);
    const t = await startApp({ ...UNLIMITED, DUET_TRACES_URL: to.url });
    for (let n = 0; n < 2100; n++) await t.fetch("/healthz");
    await to.stop();
    expect((await t.fetch("/healthz")).status).toBe(200);
    await t.app.close();
    const dropped = t.logged.filter(({ event }) => event === "traces_dropped");
    expect(dropped.length).toBeGreaterThan(0);
    expect(dropped.reduce((sum, { facts }) => sum + Number(facts["spans"]), 0)).toBe(2101);
  });

  test("are not there without the setting", async () => {
    await expect(startApp({ DUET_TRACES_URL: "collector:4318" })).rejects.toThrow("DUET_TRACES_URL");
  });
});
