import { describe, expect, test } from "bun:test";
import { LOCALES } from "../src/locales/index.ts";
import { advance, freezeClock, startApp, type TestApp } from "./support/app.ts";
import { Visitor } from "./support/browserless.ts";
import { decode } from "./support/people.ts";

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
  [...html.matchAll(/<div data-row="(\w+)" class="decided">/g)].map(([, row]) => row);

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
    expect((await t.fetch("/lab")).status).toBe(401);
  });

  test("refreshes for real, and names the row", async () => {
    await using t = await startApp();
    const { act, generation } = await inLab(t);
    const { path, html } = await act("refresh");
    expect(path).toBe("/lab?act=refresh&rows=newest");
    expect(decided(html)).toEqual(["newest"]);
    expect(generation()).toBe(2);
  });

  test("loses a response: the old token gets the same successor, and nobody is signed out", async () => {
    await using t = await startApp();
    const { act, generation } = await inLab(t);
    expect(decided((await act("lose")).html)).toEqual(["newest"]);
    expect(generation()).toBe(1);
    advance(3600);
    expect(decided((await act("refresh")).html)).toEqual(["unconfirmed"]);
    expect(generation()).toBe(2);
  });

  test("lets the access token expire, and the page finds a new one on its way", async () => {
    await using t = await startApp();
    const { alice, act, generation } = await inLab(t);
    const { html } = await act("expire");
    expect(alice.trail.join()).toContain("GET /lab 303,GET /auth/refresh 303,GET /lab 200");
    expect(html).toContain(LOCALES.en.lab.happened.expire);
    expect(generation()).toBe(2);
  });

  test("shows five tabs at once: one successor", async () => {
    await using t = await startApp();
    const { act, generation } = await inLab(t);
    const { html } = await act("tabs");
    expect(decided(html)[0]).toBe("newest");
    expect(generation()).toBe(2);
  });

  test("steals and uses the copy: within the overlap another tab, after it the end, explained on the real page", async () => {
    await using t = await startApp();
    const { alice, act, refreshToken } = await inLab(t);
    expect((await act("replay")).html).toContain(LOCALES.en.lab.happened.nothingStolen);
    const stolen = refreshToken();
    const { html } = await act("steal");
    expect(alice.jar.get("duet_stolen")).toMatchObject({ value: stolen, path: "/auth/lab" });
    expect(html).not.toContain(stolen.split(".")[2]!);
    await act("refresh"); // and the page that follows is the successor's first use
    advance(5);
    expect(decided((await act("replay")).html)).toEqual(["overlap"]);
    advance(6);
    const end = await alice.script("POST", "/auth/lab/replay");
    expect(await end.text()).toMatch(/data-row="reuse"[^]*Theft[^]*href="\/lab"/);
    const out = await alice.open("/lab");
    expect(out.path).toBe("/login?next=%2Flab");
    expect(out.html).toContain("An old copy of your refresh token was used");
    expect(out.html).toContain("<time");
  });

  test("a thief who is first gets a pair, and gives himself away when the owner comes with the old token", async () => {
    await using t = await startApp();
    const { alice, act } = await inLab(t);
    await act("steal");
    expect(decided((await act("replay")).html)).toEqual(["newest"]);
    advance(11);
    const { path, html } = await act("refresh");
    expect(path).toContain("/login");
    expect(html).toContain("An old copy of your refresh token was used");
    expect(alice.jar.has("duet_refresh")).toBe(false);
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
    const texts = (value: unknown): string[] =>
      typeof value === "string" ? [value] : Object.values(value as object).flatMap(texts);
    for (const text of texts(LOCALES.zh.lab)) expect(text).toMatch(/\p{Script=Han}/u);
    for (const text of texts(LOCALES.en.lab)) expect(text).toMatch(/^[A-Za-z]/);
  });
});
