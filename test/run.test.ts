import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { LAB_ACTS, type Entry } from "../src/core/auth/diary.ts";
import { fatesOf, NONE, play, readRun, STRICT, writeRun, type Done } from "../src/core/auth/run.ts";
import { advance, freezeClock, startApp, UNLIMITED } from "./support/app.ts";
import { Visitor } from "./support/browserless.ts";
import { explore } from "./prove/model.ts";
import { SMALL } from "./prove/setups.ts";

const W = { overlapMs: 10_000, accessMs: 1_800_000 };

/** Each act so many seconds after the one before. */
function after(...acts: [Done["what"], number][]): Done[] {
  let at = 1_000_000;
  return acts.map(([what, seconds]) => ({ what, at: (at += seconds * 1000) }));
}
const fates = (...acts: [Done["what"], number][]) => fatesOf(play(after(...acts), W).diary, W);

const isOver = (decisions: string[]) => decisions.some((row) => row === "reuse" || row === "ended");

describe("a run, by the model", () => {
  test("is what the server has decided, whatever is done and however long it takes", async () => {
    const acts = fc.array(fc.tuple(fc.constantFrom(...LAB_ACTS), fc.constantFrom(0, 1, 4, 11, 40)), {
      minLength: 1,
      maxLength: 9,
    });
    await using t = await startApp(UNLIMITED);
    for (const run of fc.sample(acts, { numRuns: 60, seed: 20261126 })) {
      freezeClock();
      const guest = new Visitor(t);
      await guest.submit("/auth/lab");
      // From a generation on that was first used longer ago than W.
      advance(60);
      let html = "";
      for (const [act, seconds] of run) {
        advance(seconds);
        ({ html } = await guest.submit(`/lab/guest/${act}`));
      }
      const { entries } = stateIn(html);
      const done = entries.filter(({ what }) => what !== "nothingStolen") as (Entry & Done)[];
      const { diary } = play(done, W);
      const plain = ({ what, generation, newest, decisions }: Entry) => ({
        what,
        generation,
        newest,
        // Of five that come at once to a session that is over each is refused in its own way.
        decisions: isOver(decisions) ? ["over"] : decisions.toSorted(),
      });
      expect([run, diary.entries.map(plain)]).toEqual([run, done.map(plain)]);
    }
  });

  test("signs nobody out by our rule where the usual one does: a lost response, five tabs, many programs, a late request", () => {
    for (const what of ["tabs", "agents", "late"] as const) {
      expect(play(after([what, 0]), W).end).toBeNull();
      const { strict, none } = fates([what, 0]);
      expect(strict).toMatchObject({ end: { n: 1 }, isByAccident: true, thiefSince: null });
      expect(none.end).toBeNull();
    }
    const lost = [
      ["lose", 0],
      ["refresh", 3],
    ] as [Done["what"], number][];
    expect(play(after(...lost), W).end).toBeNull();
    expect(fates(...lost).strict).toMatchObject({ end: { n: 2 }, isByAccident: true });
  });

  test("finds the thief by our rule and by the usual one, and never without rotation", () => {
    const late = [
      ["steal", 0],
      ["refresh", 3],
      ["used", 0],
      ["replay", 11],
    ] as [Done["what"], number][];
    expect(play(after(...late), W).end).toMatchObject({ n: 4 });
    expect(fates(...late).strict).toMatchObject({ end: { n: 4 }, isByAccident: false, thiefSince: null });
    expect(fates(...late).none).toMatchObject({ end: null, thiefSince: after(...late)[3]!.at });
    const first = [
      ["steal", 0],
      ["replay", 3],
      ["usedByThief", 0],
      ["refresh", 11],
    ] as [Done["what"], number][];
    expect(play(after(...first), W)).toMatchObject({ end: { n: 4 }, thiefSince: after(...first)[1]!.at });
    expect(fates(...first).strict).toMatchObject({ end: { n: 4 }, isByAccident: false });
  });

  test("has two other rules to compare with, each of which breaks a promise in some order of events", () => {
    const setup = SMALL.find(({ overlap, isEndless }) => overlap > 0 && isEndless === undefined)!;
    expect(explore(setup, STRICT, "a").broken.a).toBeArray();
    // One token for all: there is never an older one by which a thief could be known.
    expect(explore(setup, NONE, "f").broken.f).toBeArray();
  });

  test("is written as letters and numbers, and read again as it was", () => {
    const whats = fc.constantFrom<Done["what"]>(...LAB_ACTS, "page", "used", "usedByThief");
    const runs = fc.array(fc.tuple(whats, fc.nat(600)), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(runs, (run) => {
        const { diary } = play(after(...run), W);
        const text = writeRun(diary, W.overlapMs);
        expect(text).toMatch(/^10([a-z]\d+)+$/);
        const again = readRun(text)!;
        expect(again.overlapMs).toBe(10_000);
        expect(writeRun(play(again.done, W).diary, again.overlapMs)).toBe(text);
      }),
      { seed: 20261126 },
    );
    for (const text of [
      "",
      "10",
      "r0",
      "10x0",
      "10r",
      "10r0!",
      "10r9999999",
      "99999r0",
      `10${"r0".repeat(61)}`,
      "10R0",
    ])
      expect([text, readRun(text)]).toEqual([text, null]);
  });
});

describe("the link to a run", () => {
  const STORY = "10r0u200l3800r3000u200s5000r2000u200b13000";

  test("plays it back for anybody: all of it, or as far as one event; with a picture for previews", async () => {
    await using t = await startApp();
    const visitor = new Visitor(t, { "accept-language": "en" });
    const { html, status } = await visitor.open(`/lab/run/${STORY}`);
    expect(status).toBe(200);
    expect(html).toContain('class="curtain"');
    expect(html).toContain("Strict rotation: at 4 you are signed out for nothing");
    expect(html).toContain("No rotation: the thief stays in, unnoticed");
    expect(html.match(/<li id="entry-/g)).toHaveLength(9);
    expect(html).toContain(
      `<meta property="og:image" content="http://localhost/lab/run/${STORY}/picture.svg"/>`.replace(
        "/>",
        ">",
      ),
    );
    const middle = (await visitor.open(`/lab/run/${STORY}?at=3`)).html;
    expect(middle.match(/<li id="entry-/g)).toHaveLength(3);
    expect(middle).toContain(`href="/lab/run/${STORY}?at=2"`);
    expect(middle).toContain(`href="/lab/run/${STORY}?at=4"`);
    expect(middle).not.toContain("curtain");
  });

  test("is a picture by itself, without a stylesheet", async () => {
    await using t = await startApp();
    const answer = await t.fetch(`/lab/run/${STORY}/picture.svg`);
    expect(answer.headers.get("content-type")).toBe("image/svg+xml; charset=utf-8");
    const svg = await answer.text();
    expect(svg).toStartWith('<svg xmlns="http://www.w3.org/2000/svg"');
    expect(svg).not.toContain("class=");
    expect(svg).not.toContain("undefined");
    for (const path of ["/lab/run/10r0x1", "/lab/run/10r0x1/picture.svg", "/lab/run/%3Cscript%3E"])
      expect((await t.fetch(path)).status).toBe(404);
  });

  test("is on the stage as soon as something was done, and says nothing but that", async () => {
    await using t = await startApp();
    freezeClock();
    const alice = new Visitor(t);
    await alice.register("alice");
    expect((await alice.open("/lab")).html).not.toContain("/lab/run/");
    await alice.submit("/auth/lab/refresh");
    advance(3);
    const { html } = await alice.submit("/auth/lab/lose");
    expect(html).toContain('href="/lab/run/10r0u0l3000"');
  });
});

/** What the page tells its script. */
export function stateIn(html: string): { entries: Entry[] } {
  const [, value] = /id="lab-state" value="([^"]*)"/.exec(html)!;
  return JSON.parse(value!.replaceAll("&#34;", '"').replaceAll("&quot;", '"')) as { entries: Entry[] };
}
