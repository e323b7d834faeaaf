import { describe, expect, test } from "bun:test";
import { assetUrls } from "../src/http/assets.ts";
import { startApp } from "./support/app.ts";
import { DATA_CSP, FIXED, PAGE_CSP } from "./support/headers.ts";

const JSON_TYPE = { "content-type": "application/json" };
const FORM = { "content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin" };
const PAGE = { accept: "text/html", "sec-fetch-mode": "navigate" };

type Icon = { src: string; type: string; sizes: string; purpose?: string };

describe("the headers", () => {
  test.each([
    [200, "GET", "/healthz", {}, undefined],
    [200, "GET", "/", PAGE, undefined],
    [200, "GET", "/login", PAGE, undefined],
    [204, "POST", "/api/auth/logout", JSON_TYPE, '{"refresh_token":"x"}'],
    [302, "GET", "/favicon.ico", {}, undefined],
    [303, "GET", "/conversations", PAGE, undefined],
    [307, "POST", "/conversations", { ...PAGE, ...FORM }, "title=x"],
    [400, "POST", "/api/auth/login", JSON_TYPE, "{"],
    [400, "GET", "/healthz", { host: "a b" }, undefined],
    [401, "GET", "/api/auth/me", {}, undefined],
    [401, "GET", "/conversations", { "hx-request": "true" }, undefined],
    [403, "POST", "/login", { ...PAGE, origin: "https://evil.example" }, "identifier=a"],
    [404, "GET", "/api/nothing", {}, undefined],
    [404, "GET", "/nothing", PAGE, undefined],
    [404, "GET", "/assets/nothing.js", {}, undefined],
    [405, "DELETE", "/api/auth/login", {}, undefined],
    [405, "TRACE", "/api/auth/login", {}, undefined],
    [413, "POST", "/api/auth/login", { ...JSON_TYPE, "content-length": "999999999" }, "{}"],
    [415, "POST", "/api/auth/login", { "content-type": "text/plain" }, "{}"],
    [422, "POST", "/api/auth/login", JSON_TYPE, "{}"],
  ])("are on every %i: %s %s", async (status, method, path, headers, body) => {
    await using t = await startApp();
    const response = await t.fetch(path, { method, headers, ...(body && { body }) } as RequestInit);
    expect(response.status).toBe(status);
    const got = response.headers;
    for (const [name, value] of Object.entries(FIXED)) expect(got.get(name)).toBe(value);
    const isPage = got.get("content-type")?.startsWith("text/html");
    expect(got.get("content-security-policy")).toBe(isPage ? PAGE_CSP : DATA_CSP);
    expect(got.get("cache-control")).toBe("no-store");
    expect(got.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
    for (const name of ["server", "x-powered-by", "access-control-allow-origin", "strict-transport-security"])
      expect(got.get(name)).toBeNull();
  });

  test("add HSTS where the public origin is https", async () => {
    await using t = await startApp({ DUET_PUBLIC_URL: "https://duet.example.com" });
    const { headers } = await t.fetch("/healthz");
    expect(headers.get("strict-transport-security")).toBe("max-age=31536000; includeSubDomains");
  });

  test("grant no other origin anything", async () => {
    await using t = await startApp();
    for (const origin of ["https://evil.example", "null", "http://localhost:3000"]) {
      const headers = {
        origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization",
      };
      for (const path of ["/api/auth/login", "/api/conversations", "/login"])
        for (const method of ["GET", "OPTIONS"]) {
          const answer = await t.fetch(path, { method, headers });
          expect([...answer.headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
        }
    }
  });
});

describe("the assets", () => {
  test("are one script and one style, kept for ever under the hash of their content, compressed", async () => {
    await using t = await startApp();
    const urlsOf = async (path: string) => {
      const page = await (await t.fetch(path, { headers: PAGE })).text();
      return [...page.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, url]) => url!);
    };
    const urls = await urlsOf("/login");
    expect(urls).toHaveLength(5);
    const [ofTheLab, ...more] = (await urlsOf("/lab/guest")).filter((url) => !urls.includes(url));
    expect(more).toEqual([]);
    const lab = await t.fetch(ofTheLab!, { headers: { "accept-encoding": "gzip" } });
    expect((await lab.bytes()).byteLength).toBeLessThan(2000);
    // What a home screen asks for is loaded when it does.
    const isLoaded = (url: string) => /\.(?:js|css|svg)$/.test(url);
    let bytes = 0;
    for (const url of urls) {
      expect(url).toMatch(/^\/assets\/duet\.[0-9a-f]{12}\.(js|css|svg|png|webmanifest)$/);
      const plain = await t.fetch(url);
      expect(plain.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
      const packed = await t.fetch(url, { headers: { "accept-encoding": "br, gzip" } });
      expect(packed.headers.get("content-encoding")).toBe("gzip");
      const body = await packed.bytes();
      const content = await plain.bytes();
      expect(Bun.gunzipSync(body)).toEqual(content);
      expect(new TextDecoder().decode(content)).not.toContain("sourceMappingURL");
      if (isLoaded(url)) bytes += body.byteLength;
    }
    // What more would cost a slow telephone is measured (src/README.md).
    expect(bytes).toBeLessThan(30_000);
  });

  test("give a home screen a name, a place to start and icons of the sizes that they say", async () => {
    await using t = await startApp();
    const page = await (await t.fetch("/login", { headers: PAGE })).text();
    const answer = await t.fetch(/rel="manifest" href="([^"]+)"/.exec(page)![1]!);
    expect(answer.headers.get("content-type")).toBe("application/manifest+json");
    const { start_url, icons } = (await answer.json()) as { start_url: string; icons: Icon[] };
    expect((await t.fetch(start_url, { headers: PAGE })).status).not.toBe(404);
    for (const { src, type, sizes } of icons) {
      const icon = await t.fetch(src);
      expect(icon.headers.get("content-type")).toBe(type);
      // Width and height are the first members of a PNG's first chunk.
      const png = new DataView(await icon.arrayBuffer());
      if (type === "image/png") expect(`${png.getUint32(16)}x${png.getUint32(20)}`).toBe(sizes);
    }
    expect(icons.some(({ purpose }) => purpose === "maskable")).toBeTrue();
  });

  test.each([
    ["gzip", true],
    ["br, gzip;q=0.5", true],
    ["GZIP", true],
    ["*", true],
    ["br, *;q=0.1", true],
    ["gzip;q=1", true],
    ["gzip;q=0", false],
    ["gzip; q=0.0, *", false],
    ["*;q=0", false],
    ["identity", false],
    ["xgzip", false],
    ["", false],
  ])("are compressed only for who takes it: %j, %p", async (header, isCompressed) => {
    await using t = await startApp();
    const answer = await t.fetch(assetUrls.styleUrl, { headers: { "accept-encoding": header } });
    expect(answer.headers.get("content-encoding")).toBe(isCompressed ? "gzip" : null);
    expect(answer.headers.get("vary")).toBe("accept-encoding");
  });

  test("are all there is: no page asks another host for anything", async () => {
    await using t = await startApp();
    for (const path of ["/", "/login", "/register", "/nothing"]) {
      const page = await (await t.fetch(path, { headers: PAGE })).text();
      expect(page).not.toMatch(/(?:src|href|action)="(?:https?:)?\/\//);
    }
  });
});

describe("/.well-known/security.txt", () => {
  test("says whom to tell, for half a year, where the operator has said so", async () => {
    await using t = await startApp({ DUET_SECURITY_CONTACT: "mailto:security@example.com" });
    const lines = (await (await t.fetch("/.well-known/security.txt")).text()).trim().split("\n");
    expect(lines[0]).toBe("Contact: mailto:security@example.com");
    const expires = Date.parse(lines[1]!.replace("Expires: ", ""));
    expect(expires - Date.now()).toBeWithin(170 * 86_400_000, 365 * 86_400_000);
    await using silent = await startApp();
    expect((await silent.fetch("/.well-known/security.txt")).status).toBe(404);
    await expect(startApp({ DUET_SECURITY_CONTACT: "security@example.com" })).rejects.toThrow(
      "SECURITY_CONTACT",
    );
  });
});
