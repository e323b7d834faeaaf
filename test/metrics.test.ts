import { describe, expect, test } from "bun:test";
import { createMetrics } from "../src/core/metrics.ts";
import { advance, freezeClock, startApp, type TestApp } from "./support/app.ts";
import { me, refresh, register } from "./support/people.ts";
import { Stream } from "./support/stream.ts";

const TOKEN = "what prometheus says to be let in";
const SETTINGS = { DUET_METRICS_TOKEN: TOKEN };
const scrape = (t: TestApp, token = TOKEN) =>
  t.fetch("/metrics", { headers: { authorization: `Bearer ${token}` } });

type Sample = { name: string; labels: Record<string, string>; value: number };

/** The format as it is written down (Prometheus, exposition formats, text-based format): every line must be of it. */
function parse(text: string): Sample[] {
  expect(text.endsWith("\n")).toBe(true);
  const kinds = new Map<string, string>();
  const done = new Set<string>();
  let family = "";
  const samples: Sample[] = [];
  for (const line of text.slice(0, -1).split("\n")) {
    const [, about, name, rest] = /^# (HELP|TYPE) ([a-zA-Z_:][\w:]*) (.+)$/.exec(line) ?? [];
    if (about) {
      if (about === "HELP") {
        // All lines of one name stand together.
        expect([name, done.has(name!)]).toEqual([name, false]);
        done.add((family = name!));
      } else {
        expect(["counter", "gauge", "histogram"]).toContain(rest!);
        kinds.set(name!, rest!);
      }
      continue;
    }
    const [, of, all = "", value] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (-?[\d.e+-]+|[+-]Inf|NaN)$/.exec(line)!;
    expect(of!.replace(kinds.get(family) === "histogram" ? /_(?:bucket|sum|count)$/ : /^$/, "")).toBe(family);
    const labels: Record<string, string> = {};
    let left = all;
    while (left !== "") {
      const [whole, label, text2] = /^([a-zA-Z_]\w*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/.exec(left)!;
      labels[label!] = text2!;
      left = left.slice(whole.length);
    }
    samples.push({ name: of!, labels, value: Number(value!.replace("Inf", "Infinity")) });
  }
  return samples;
}

const valueOf = (samples: Sample[], name: string, labels: Record<string, string> = {}) =>
  samples.find(
    (each) =>
      each.name === name && Object.entries(labels).every(([key, value]) => each.labels[key] === value),
  )?.value;

describe("what is counted and measured", () => {
  test("is told to whoever shows the operator's token, and is not there without one", async () => {
    await using t = await startApp(SETTINGS);
    expect((await t.fetch("/metrics")).status).toBe(401);
    expect((await scrape(t, "something else")).status).toBe(401);
    const answer = await scrape(t);
    expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(answer.headers.get("cache-control")).toBe("no-store");
    await using without = await startApp();
    expect((await scrape(without)).status).toBe(404);
  });

  test("are requests by route, refreshes by the row that decided, events, streams, commits, ages", async () => {
    freezeClock();
    await using t = await startApp(SETTINGS);
    const alice = await register(t, "alice");
    for (let n = 0; n < 3; n++) await me(t, alice.accessToken);
    const next = await refresh(t, alice.refreshToken);
    await refresh(t, alice.refreshToken);
    await me(t, next.body.access_token);
    await t.json("POST", "/api/auth/login", { username: "alice", password: "wrong" });
    const { id } = (await alice.call("POST", "/api/conversations", { title: "x" })).body;
    await alice.call("GET", `/api/conversations/${id}`);
    for (let n = 0; n < 50; n++) await t.fetch(`/made/up/${n}`);
    const stream = await Stream.open(t.fetch, next.body.access_token);
    await stream.next();
    advance(121);
    const samples = parse(await (await scrape(t)).text());
    const is = (name: string, labels?: Record<string, string>) => valueOf(samples, name, labels);
    expect(is("duet_requests_total", { method: "GET", route: "/api/auth/me", status: "200" })).toBe(4);
    expect(is("duet_requests_total", { route: "/api/conversations/:id", status: "200" })).toBe(1);
    expect(is("duet_requests_total", { route: "none", status: "404" })).toBe(50);
    expect(is("duet_request_seconds_count", { route: "/api/auth/me" })).toBe(4);
    expect(is("duet_request_seconds_bucket", { route: "/api/auth/me", le: "+Inf" })).toBe(4);
    expect(is("duet_refreshes_total", { decision: "newest" })).toBe(1);
    expect(is("duet_refreshes_total", { decision: "unconfirmed" })).toBe(1);
    expect(is("duet_first_uses_total")).toBeGreaterThanOrEqual(2);
    expect(is("duet_events_total", { event: "login", outcome: "failure" })).toBe(1);
    expect(is("duet_streams")).toBe(1);
    expect(is("duet_commits_total")).toBeGreaterThan(5);
    expect(is("duet_key_age_seconds")).toBe(121);
    expect(is("process_resident_memory_bytes")).toBeGreaterThan(1e6);
    expect(is("duet_event_loop_delay_seconds")).toBeGreaterThanOrEqual(0);
    // Theft shows in both.
    await refresh(t, alice.refreshToken);
    const after = parse(await (await scrape(t)).text());
    expect(valueOf(after, "duet_refreshes_total", { decision: "reuse" })).toBe(1);
    expect(valueOf(after, "duet_events_total", { event: "reuse_detected", outcome: "failure" })).toBe(1);
    expect(JSON.stringify(after)).not.toMatch(/alice|eyJ/);
  });

  test("is written as the format has it, whatever stands in a label, and bounded", () => {
    const metrics = createMetrics();
    const count = metrics.counter("x_total", "X.");
    for (let n = 0; n < 2; n++) count.add({ a: 'quote " backslash \\ line\nend' });
    metrics.gauge("nothing", "Not known.", () => undefined);
    const took = metrics.histogram("y_seconds", "Y.", [0.1, 1]);
    for (const seconds of [0.05, 0.1, 0.5, 7]) took({ route: "/" })(seconds);
    expect(parse(metrics.text())).toEqual([
      { name: "x_total", labels: { a: String.raw`quote \" backslash \\ line\nend` }, value: 2 },
      { name: "y_seconds_bucket", labels: { route: "/", le: "0.1" }, value: 2 },
      { name: "y_seconds_bucket", labels: { route: "/", le: "1" }, value: 3 },
      { name: "y_seconds_bucket", labels: { route: "/", le: "+Inf" }, value: 4 },
      { name: "y_seconds_sum", labels: { route: "/" }, value: 7.65 },
      { name: "y_seconds_count", labels: { route: "/" }, value: 4 },
    ]);
    for (let n = 0; n < 10_000; n++) count.add({ a: String(n) });
    expect(parse(metrics.text()).length).toBeLessThan(2100);
  });
});
