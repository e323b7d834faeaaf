import { describe, expect, test } from "bun:test";
import { createConfig, lintFromString } from "@redocly/openapi-core";
import openapiTypescript, { astToString } from "openapi-typescript";
import createClient from "openapi-fetch";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ERROR_STATUS } from "../src/errors.ts";
import type { Document, Operation, Schema } from "../src/http/reference.ts";
import { en } from "../src/locales/en.ts";
import { LIMITED, LIMITED_GUESSES, PUBLIC } from "./support/inventory.ts";
import { startApp, temporaryFolder } from "./support/app.ts";
import { PASSWORDS } from "./support/people.ts";
import { createPromises } from "./support/promised.ts";
import { BINARY, command, ROOT, run } from "./support/process.ts";

async function documentOf(): Promise<{ document: Document; routes: string[] }> {
  await using t = await startApp();
  const document = (await (await t.fetch("/openapi.json")).json()) as Document;
  return { document, routes: t.app.routes.map(({ method, path }) => `${method} ${path}`) };
}
const { document, routes } = await documentOf();

type Named = { route: string; operation: Operation };
const operations: Named[] = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    route: `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ":$1")}`,
    operation,
  })),
);
const examples = document.components.examples as Record<string, { value: object }>;
const refusalsOf = ({ responses }: Operation) =>
  Object.entries(responses).flatMap(([status, { content = {} }]) =>
    Object.entries(Object.values(content)[0]?.examples ?? {}).map(([name, example]) => ({
      status,
      name,
      body: "$ref" in example ? examples[example.$ref.split("/").at(-1)!]!.value : example.value,
    })),
  );

/** Not for programs: a page, or what a page's script asks. */
const isPage = (route: string) =>
  !/ \/(?:api|oauth|\.well-known)\/| \/(?:healthz|readyz|metrics|openapi\.json|robots\.txt|auth\/verify)$/.test(
    route,
  );

describe("/openapi.json", () => {
  test("has every route for programs, once, and no other", () => {
    expect(operations.map(({ route }) => route).toSorted()).toEqual(
      routes.filter((route) => !isPage(route)).toSorted(),
    );
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.toSorted()).toEqual(Object.keys(en.api.operations).toSorted());
  });

  test("is valid OpenAPI 3.1, with examples that its schemas allow", async () => {
    const config = await createConfig({
      rules: {
        struct: "error",
        "no-unresolved-refs": "error",
        "spec-strict-refs": "error",
        "no-invalid-media-type-examples": "error",
        "no-invalid-schema-examples": "error",
        "no-invalid-parameter-examples": "error",
        "operation-operationId-unique": "error",
        "path-parameters-defined": "error",
        "security-defined": "error",
        "operation-summary": "error",
        "operation-4xx-response": "error",
        "no-identical-paths": "error",
      },
    });
    const lint = (source: object) => lintFromString({ source: JSON.stringify(source), config });
    const problems = (await lint(document)).map(({ ruleId, message, location }) => [
      ruleId,
      message,
      location[0]?.pointer,
    ]);
    expect(problems).toEqual([]);
    const broken = structuredClone(document);
    broken.paths["/api/auth/login"]!["post"]!.requestBody!.content["application/json"]!.example = {
      username: 1,
    };
    expect((await lint(broken)).length).toBeGreaterThan(0);
  });

  test("has every code under the status that it travels under, and an example of each that is one", async () => {
    const promised = createPromises(document);
    const seen = new Set<string>();
    for (const { route, operation } of operations) {
      const [method, path] = route.split(" ") as [string, string];
      for (const { status, name, body } of refusalsOf(operation)) {
        seen.add(name);
        const type = path.startsWith("/oauth/") ? "application/json" : "application/problem+json";
        const answer = new Response(JSON.stringify(body), {
          status: Number(status),
          headers: { "content-type": type },
        });
        expect(await promised(method, path.replaceAll(/:\w+/g, "x"), answer)).toBeNull();
      }
    }
    // Those that only pages meet, and one that is no route's.
    const elsewhere = ["device_proof_required", "viewer_changed", "method_not_allowed", "operator_protected"];
    const codes = Object.keys(ERROR_STATUS).filter((code) => !elsewhere.includes(code));
    expect([...seen].toSorted()).toEqual(codes.toSorted());
  });

  test("says of each route whether it needs a token, and whether it stands behind a limit", () => {
    for (const { route, operation } of operations) {
      const isOpen =
        operation.security.length === 0 || operation.security.some((each) => Object.keys(each).length === 0);
      const isPublic = PUBLIC.has(route) || route === "POST /oauth/introspect" || route === "GET /metrics";
      expect([route, isOpen]).toEqual([route, isPublic]);
      const isLimited = refusalsOf(operation).some(({ name }) => name === "rate_limited");
      expect([route, isLimited]).toEqual([route, route in LIMITED || LIMITED_GUESSES.has(route)]);
    }
  });

  test("has words for every field, in what is asked and in what is answered", () => {
    const silent = new Set<string>();
    const walk = (schema: Schema, owner: string) => {
      for (const [name, each] of Object.entries(schema.properties ?? {})) {
        if (!each.description && !each.$ref) silent.add(`${owner}.${name}`);
        walk(each, `${owner}.${name}`);
      }
      if (schema.items) walk(schema.items, owner);
    };
    for (const { operation } of operations) {
      for (const each of operation.parameters ?? [])
        if (!each.description) silent.add(`${operation.operationId}.${each.name}`);
      for (const media of Object.values(operation.requestBody?.content ?? {}))
        walk(media.schema, operation.operationId);
    }
    for (const [name, schema] of Object.entries(document.components.schemas))
      // Of these RFC 9457, 8414 and 7662 say what they are.
      if (!["Problem", "OAuthError", "AuthorizationServerMetadata", "Introspection"].includes(name))
        walk(schema, name);
    expect([...silent]).toEqual(["login.password"]);
  });

  test("is broken by an answer that it does not promise", async () => {
    const promised = createPromises(document);
    const ask = (body: object, status = 200, type = "application/json") =>
      promised(
        "GET",
        "/api/auth/me",
        new Response(JSON.stringify(body), { status, headers: { "content-type": type } }),
      );
    const alice = { id: "01936c7e-3b5a-7c7e-9f53-0e6f4f2a9d11", username: "alice", email: null };
    expect(await ask(alice)).toBeNull();
    expect(await ask({ ...alice, password_hash: "x" })).toContain("unevaluated");
    expect(await ask({ ...alice, email: 1 })).toContain("email");
    expect(await ask(alice, 201)).toContain("no such status");
    expect(await ask(alice, 200, "text/plain")).toContain("is promised");
  });

  test("is printed by duet openapi, on a machine where there is nothing yet", async () => {
    const { out, exitCode } = await command("openapi", "--data", join(temporaryFolder(), "none"));
    expect(exitCode).toBe(0);
    const printed = JSON.parse(out) as Document;
    expect(printed.servers).toEqual([{ url: "http://localhost:3000" }]);
    expect(printed.paths).toEqual(document.paths);
  });
});

describe("a client that openapi-typescript makes of it", () => {
  test("compiles, refuses what is not promised, and speaks with the executable", async () => {
    const folder = join(ROOT, "dist", `client-${process.pid}`);
    mkdirSync(folder, { recursive: true });
    try {
      const types = astToString(await openapiTypescript(JSON.stringify(document)));
      writeFileSync(join(folder, "duet.ts"), types);
      const use = `
        import createClient from "openapi-fetch";
        import type { paths } from "./duet.ts";
        const duet = createClient<paths>({ baseUrl: "http://localhost" });
        const { data, error } = await duet.POST("/api/auth/login", { body: { username: "alice", password: "x" } });
        if (data) console.log(data.access_token.length, data.user.email?.length, data.expires_in.toFixed());
        else console.log(error.code === "invalid_credentials");
        const list = await duet.GET("/api/conversations", { params: { query: { limit: 5 } } });
        console.log(list.data?.items[0]?.unread.toFixed());`;
      const check = async (text: string) => {
        writeFileSync(join(folder, "use.ts"), text);
        const child = Bun.spawn([process.execPath, "check", "--no-script", join(folder, "use.ts")], {
          cwd: ROOT,
          stdout: "pipe",
          stderr: "pipe",
        });
        const said = (await new Response(child.stdout).text()) + (await new Response(child.stderr).text());
        return { exitCode: await child.exited, said };
      };
      expect(await check(use)).toMatchObject({ exitCode: 0 });
      const wrong = use
        .replace("data.user.email?.length", "data.user.nothing")
        .replace("limit: 5", 'limit: "5"');
      const refused = await check(wrong);
      expect(refused.exitCode).not.toBe(0);
      expect(refused.said).toMatch(/nothing/);
      expect(refused.said).toMatch(/Type 'string' is not assignable to type 'number'/);
    } finally {
      rmSync(folder, { recursive: true });
    }

    await using server = await run([BINARY, "--port", "0", "--data", temporaryFolder()]);
    const duet = createClient<any>({ baseUrl: server.url });
    const account = { username: "alice", password: PASSWORDS["alice"] };
    const { data, response } = await duet.POST("/api/auth/register", { body: account });
    expect(response.status).toBe(201);
    const headers = { authorization: `Bearer ${data.access_token}` };
    const made = await duet.POST("/api/conversations", { body: { title: "Hello" }, headers });
    const said = await duet.POST("/api/conversations/{id}/messages", {
      params: { path: { id: made.data.id } },
      body: { body: "Who is coming?" },
      headers,
    });
    expect(said.data.author.username).toBe("alice");
    const list = await duet.GET("/api/conversations", { params: { query: { limit: 5 } }, headers });
    expect(list.data.items).toEqual([{ ...made.data, updated_at: said.data.created_at }]);
    const { error } = await duet.GET("/api/auth/me", { headers: { authorization: "Bearer none" } });
    expect(error.code).toBe("token_invalid");
  });
});

describe("/docs", () => {
  test.each([
    ["en", "Every route for programs"],
    ["zh", "供程序使用的每个路由"],
  ])("in %s has every route and every error, and asks nothing of anybody else", async (language, lead) => {
    await using t = await startApp();
    const page = await (await t.fetch("/docs", { headers: { "accept-language": language } })).text();
    expect(page).toContain(lead);
    for (const { operation } of operations) expect(page).toContain(`id="${operation.operationId}"`);
    for (const code of Object.keys(ERROR_STATUS)) expect(page).toContain(`id="error-${code}"`);
    for (const [, url] of page.matchAll(/(?:src|href)="([^"]+)"/g)) expect(url).toMatch(/^[/#]/);
    // Each link within the page leads somewhere.
    for (const [, id] of page.matchAll(/href="#([^"]+)"/g)) expect(page).toContain(`id="${id}"`);
  });
});
