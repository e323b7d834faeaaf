import { describe, expect, test } from "bun:test";
import { LIMITS } from "../src/limits.ts";
import { LOCALES } from "../src/locales/index.ts";
import { advance, freezeClock, startApp, type TestApp, UNLIMITED } from "./support/app.ts";
import { Visitor } from "./support/browserless.ts";
import { BoundBrowser, HTTPS } from "./support/device.ts";
import { decode, PASSWORDS } from "./support/people.ts";

async function inLab(t: TestApp) {
  freezeClock();
  const alice = new Visitor(t);
  await alice.register("alice");
  const act = (name: string) => alice.submit(`/auth/lab/${name}`);
  const refreshToken = () => alice.jar.get("duet_refresh")!.value;
  const generation = () => decode(refreshToken()).claims.gen;
  return { alice, act, refreshToken, generation };
}

/** The rows that the page marks as having decided. */
const decided = (html: string) =>
  [...html.matchAll(/<div id="row-\w+" data-row="(\w+)" class="decided">/g)].map(([, row]) => row);

/** What the log says, the newest first. */
const told = (html: string) =>
  [...html.matchAll(/<li id="entry-\d+">([^]*?)<\/li>/g)].map(([, item]) =>
    item!.replaceAll(/<[^>]+>/g, " ").replaceAll(/\s+/g, " "),
  );

/** Everything here is done without JavaScript, on the real session. */
describe("the lab", () => {
  test("lays both tokens open, and gives nobody the refresh token", async () => {
    await using t = await startApp();
    const { alice, refreshToken } = await inLab(t);
    const { html } = await alice.open("/lab");
    const { header, claims } = decode(refreshToken());
    for (const value of [header.kid, claims.jti, "at+jwt", "rt+jwt", String(claims.exp)])
      expect(html).toContain(value);
    for (const token of [refreshToken(), alice.jar.get("duet_access")!.value])
      for (const part of token.split(".")) expect(html).not.toContain(part);
    for (const [, says] of Object.values(LOCALES.en.lab.rows)) expect(html).toContain(says!);
    expect(html).toContain("it lasts 30 minutes only");
    expect(html).toContain("It lasts 7 days");
    // Each member of the tokens is told in words.
    expect(html).toContain("<code>amr</code>");
    expect(html).not.toMatch(/<span class="muted small">\s*<\/span>/);
    expect(html).toContain("after 90 days you sign in again");
    expect(html).toContain("works up to 10 seconds longer");
    for (const name of Object.keys(LOCALES.en.lab.meanings)) expect(html).toContain(`<code>${name}</code>`);
    expect((await t.fetch("/lab")).status).toBe(401);
  });

  test("tells of each generation when it was made and used, and until when its access token is good", async () => {
    await using t = await startApp();
    const { alice, act } = await inLab(t);
    const start = Date.now();
    await alice.open("/lab");
    advance(60);
    const { html } = await act("refresh");
    const [, value] = /id="lab-state" value="([^"]*)"/.exec(html)!;
    expect(JSON.parse(value!.replaceAll("&#34;", '"').replaceAll("&quot;", '"'))).toMatchObject({
      generations: [
        { generation: 1, issuedAt: start, usedAt: start, accessEndsAt: start + 1_800_000 },
        { generation: 2, issuedAt: start + 60_000, usedAt: start + 60_000, accessEndsAt: start + 1_860_000 },
      ],
      decided: ["newest"],
      now: start + 60_000,
    });
  });

  test("refreshes for real, and names the row", async () => {
    await using t = await startApp();
    const { act, generation } = await inLab(t);
    const { path, html } = await act("refresh");
    expect(path).toBe("/lab");
    expect(decided(html)).toEqual(["newest"]);
    // The page that told it was the first use of the new pair.
    const [used, refreshed] = told(html);
    expect(refreshed).toMatch(
      /You refreshed with generation 1. The server responded with generation 2. Decided by newest ?: /,
    );
    expect(used).toContain(
      "Generation 2 was first used. The refresh token of generation 1 works for up to 10 seconds more.",
    );
    expect(generation()).toBe(2);
  });

  test("loses a response: the old token gets the same successor, and nobody is signed out", async () => {
    await using t = await startApp();
    const { act, generation } = await inLab(t);
    const lost = (await act("lose")).html;
    expect(decided(lost)).toEqual(["newest"]);
    expect(lost).toContain("Your browser holds generation 1. The newest is 2");
    expect(lost).toMatch(/<code>gen<\/code>[^]*<code>1<\/code>[^]*<code>gen<\/code>[^]*<code>1<\/code>/);
    expect(generation()).toBe(1);
    advance(3600);
    expect(decided((await act("refresh")).html)).toEqual(["unconfirmed"]);
    expect(generation()).toBe(2);
  });

  test("lets the access token expire, and the page finds a new one on its way", async () => {
    await using t = await startApp();
    const { alice, act, generation } = await inLab(t);
    alice.setCookies.length = 0;
    const { html } = await act("expire");
    for (const line of alice.setCookies.slice(0, 2))
      expect(line).toMatch(/^duet_(access|gen)=; .*Max-Age=0;/);
    expect(alice.trail.join()).toContain("GET /lab 303,GET /auth/refresh 303,GET /lab 200");
    expect(told(html).join()).toMatch(/A page found its access token expired.*dropped the access token/);
    expect(generation()).toBe(2);
  });

  test("shows five tabs at once: one successor", async () => {
    await using t = await startApp();
    const { act, generation } = await inLab(t);
    const { html } = await act("tabs");
    expect(decided(html)).toEqual(["newest", "unconfirmed"]);
    expect(told(html).join()).toMatch(/5 tabs sent generation 1 at once.*newest ?: .*unconfirmed × 4: /);
    expect(generation()).toBe(2);
  });

  test("lets sixteen agents show one token, and a request arrive late: the newest pair for all", async () => {
    await using t = await startApp();
    const { act, generation } = await inLab(t);
    const { html } = await act("agents");
    expect(decided(html)).toEqual(["newest", "overlap"]);
    expect(told(html).join()).toMatch(/16 programs sent generation 1.*newest ?: .*overlap × 15: /);
    expect(generation()).toBe(2);
    advance(60);
    const late = (await act("late")).html;
    expect(decided(late)).toEqual(["newest", "overlap"]);
    expect(told(late).join()).toMatch(
      /You refreshed with generation 2 and went on; then an earlier request arrived/,
    );
    expect(generation()).toBe(3);
  });

  test("uses a copied cookie elsewhere: where no key holds the session, whoever has the cookie has it", async () => {
    await using t = await startApp();
    const { act, generation } = await inLab(t);
    const { html } = await act("copied");
    expect(decided(html)).toEqual(["newest"]);
    expect(told(html).join()).toContain("Another browser sent a copy of generation 1.");
    expect(generation()).toBe(1);
    expect(decided((await act("refresh")).html)).toEqual(["unconfirmed"]);
  });

  test("uses a copied cookie elsewhere: where a device holds it, that is refused and told", async () => {
    freezeClock();
    await using t = await startApp(HTTPS);
    const browser = await BoundBrowser.create(t);
    await browser.signUp();
    await browser.register();
    await browser.refresh();
    await browser.isSignedIn();
    const navigation = { "sec-fetch-mode": "navigate", accept: "text/html" };
    const look = async () => (await browser.send("GET", "/lab", { headers: navigation })).text();
    expect(await look()).toContain(LOCALES.en.lab.boundNote);
    for (const name of ["copied", "refresh"]) {
      await browser.send("POST", `/auth/lab/${name}`, { headers: navigation });
      expect(decided(await look())).toEqual(["unproven"]);
    }
    expect(told(await look()).join()).toMatch(
      /You refreshed with.*Another browser sent a copy of generation 2/,
    );
    const events = (await t.sql("SELECT kind FROM auth_events")).map(({ kind }: any) => kind);
    expect(events.filter((kind: string) => kind === "key_missing")).toHaveLength(1);
    expect(await browser.isSignedIn()).toBe(true);
  });

  test("steals and uses the copy: within the overlap another tab, after it the end, explained on the real page", async () => {
    await using t = await startApp();
    const { alice, act, refreshToken } = await inLab(t);
    expect((await act("replay")).html).toContain(LOCALES.en.lab.happened.nothingStolen());
    const stolen = refreshToken();
    const { html } = await act("steal");
    expect(alice.jar.get("duet_stolen")).toMatchObject({ value: stolen, path: "/auth/lab" });
    expect(html).not.toContain(stolen.split(".")[2]!);
    await act("refresh"); // and the page that follows is the successor's first use
    advance(5);
    expect(decided((await act("replay")).html)).toEqual(["overlap"]);
    // The thief goes on with what he got, as the owner does. Whoever is behind gives him away.
    expect(decided((await act("refresh")).html)).toEqual(["newest"]);
    advance(11);
    const end = await (await alice.script("POST", "/auth/lab/replay")).text();
    expect(end).toMatch(/data-row="reuse"[^]*Theft[^]*href="\/lab\?step=1"/);
    // What is done to a session that is over is told as well.
    const after = await (await alice.script("POST", "/auth/lab/refresh")).text();
    expect(told(after)[0]).toMatch(/You refreshed with generation 3. Decided by ended ?: Refused/);
    const out = await alice.open("/lab");
    expect(out.path).toBe("/login?next=%2Flab");
    expect(out.html).toContain("an old refresh token was used again");
    expect(out.html).toContain("<time");
  });

  test("a thief who is first gets a pair, and gives himself away when the owner comes with the old token", async () => {
    await using t = await startApp();
    const { alice, act } = await inLab(t);
    await act("steal");
    expect(decided((await act("replay")).html)).toEqual(["newest"]);
    advance(11);
    expect((await alice.open("/lab")).html).toContain("is 2, and the thief has it");
    expect(told((await alice.open("/lab")).html)[0]).toContain("The thief used generation 2 first.");
    const seen = await (await alice.script("POST", "/auth/lab/refresh")).text();
    expect(told(seen)[0]).toMatch(/You refreshed with generation 1. Decided by reuse ?: Theft/);
    const { path, html } = await alice.open("/lab");
    expect(path).toContain("/login");
    expect(html).toContain("an old refresh token was used again");
    expect(alice.jar.has("duet_refresh")).toBe(false);
    // The copy is of no use in the session that is begun then.
    await alice.submit("/login", { identifier: "alice", password: PASSWORDS["alice"]! });
    const { html: again } = await act("replay");
    expect(told(again)).toEqual([expect.stringContaining("There is no stolen copy of this session yet.")]);
  });

  test("shows how long the token is good that the browser has, not one that never came", async () => {
    await using t = await startApp();
    const { alice, act, refreshToken } = await inLab(t);
    advance(60);
    await alice.open("/lab");
    const { html } = await act("lose");
    const { claims } = decode(refreshToken());
    expect(html.match(/data-expires="(\d+)"/g)).toContain(`data-expires="${claims.exp * 1000}"`);
    expect(html).toContain(`<code>${claims.iat}</code>`);
  });

  test("tells a first use once, and five tabs in one, however many ask at once", async () => {
    await using t = await startApp();
    const { alice, act } = await inLab(t);
    await alice.open("/lab");
    await alice.script("POST", "/auth/lab/refresh");
    await Promise.all([1, 2, 3, 4, 5].map(() => alice.script("GET", "/lab")));
    const used = told((await alice.open("/lab")).html).filter((text) => /was first used/.test(text));
    expect(used).toHaveLength(1);
    for (let n = 0; n < 7; n++) await alice.script("POST", "/auth/lab/tabs");
    for (const text of told((await act("expire")).html)) expect(text).not.toMatch(/× ([6-9]|\d\d)/);
  });

  test("keeps diaries of the sessions that were looked at last, each of a few pages", async () => {
    await using t = await startApp({ ...UNLIMITED, DUET_REFRESH_OVERLAP: "0" });
    const { alice, act } = await inLab(t);
    for (let n = 0; n < LIMITS.labEntriesMax; n++) await act("refresh");
    const { html } = await alice.open("/lab");
    expect(told(html)).toHaveLength(LIMITS.labEntriesMax);
    expect(told(html)[0]).toContain(`Generation ${LIMITS.labEntriesMax + 1} was first used`);
    for (let n = 0; n < LIMITS.labDiariesMax; n++) await t.app.duet.lab.diaries.of(`session ${n}`);
    expect(told((await alice.open("/lab")).html)).toEqual([]);
  });

  test("does nothing for strangers, other sites, or by names it does not know", async () => {
    await using t = await startApp();
    const { alice, act, generation } = await inLab(t);
    const foreign = { method: "POST", headers: { "sec-fetch-site": "cross-site" } };
    expect((await t.fetch("/auth/lab/refresh", foreign)).status).toBe(403);
    expect((await t.fetch("/auth/lab/refresh", { method: "POST" })).status).toBe(401);
    expect((await act("everything")).status).toBe(404);
    expect((await alice.open("/auth/lab/refresh")).status).toBe(405);
    expect(generation()).toBe(1);
  });

  test("speaks both languages", () => {
    const texts = (value: unknown): string[] => {
      if (typeof value === "function") return [value(2, 3)];
      return typeof value === "string" ? [value] : Object.values(value as object).flatMap(texts);
    };
    const [zh, en] = [texts(LOCALES.zh.lab), texts(LOCALES.en.lab)];
    expect(zh).toHaveLength(en.length);
    for (const text of zh) expect(text).toMatch(/\p{Script=Han}/u);
    for (const text of en) expect(text).not.toMatch(/\p{Script=Han}/u);
  });
});
