import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { ROOT } from "./support/process.ts";

const SRC = join(ROOT, "src");
const LINES_MAX = 250;

/**
 * Who may import whom. A request runs down this list; what it uses is imported, never the other way round.
 * The leaves may be imported from everywhere; `import type` is not an import.
 */
const ALLOWED: Record<string, string[]> = {
  "main.ts": ["cli"],
  cli: ["app.ts", "config.ts"],
  "app.ts": ["api", "web", "http", "core", "store", "db"],
  api: ["http", "core"],
  web: ["http", "core", "locales"],
  http: ["core", "locales"],
  core: ["store"],
  store: ["db"],
  db: [],
  locales: [],
  "config.ts": ["core"],
};
const LEAVES = new Set(["core/errors.ts", "core/limits.ts"]);

/** Packages, by the only places that may know them. */
const PACKAGES: Record<string, RegExp> = {
  elysia: /^(app\.ts|api|web|http)/,
  "@elysiajs/jwt": /^http\/signers\.ts$/,
  "@elysiajs/html": /^(http\/jsx|web\/page\.ts)/,
  "lucide-static": /^web\/icons\.view\.tsx$/,
  "htmx.org": /^http\/assets\.ts$/,
  jose: /^(core\/(keys|lab|tokens)|http\/signers)\.ts$/,
  bowser: /^core\/devices\.ts$/,
  "bun:sqlite": /^db\//,
  "@zxcvbn-ts/core": /^core\/passwords\.ts$/,
  "@zxcvbn-ts/language-common": /^core\/passwords\.ts$/,
  "node:fs": /^db\//,
  "node:path": /^db\//,
  "node:crypto": /^http\/auth\.ts$/,
  "node:net": /^(core\/addresses|http\/proxies)\.ts$/,
  "node:os": /^(core\/passwords|db\/folder)\.ts$/,
};

type Source = { path: string; text: string };

const sources: Source[] = [...new Bun.Glob("**/*.{ts,tsx}").scanSync(SRC)]
  .filter((path) => !path.endsWith(".d.ts"))
  .map((path) => ({ path, text: readFileSync(join(SRC, path), "utf8") }));

const layerOf = (path: string) => path.split("/")[0]!;

/** Every rule that a source file breaks, in words. */
function faultsOf({ path, text }: Source): string[] {
  const faults: string[] = [];
  const transpiler = new Bun.Transpiler({ loader: path.endsWith("x") ? "tsx" : "ts" });
  for (const { path: specifier } of transpiler.scanImports(text)) {
    // The transpiler alone does not know whose JSX it is and says "react".
    if (/^react\b/.test(specifier) || specifier === "#html") {
      if (layerOf(path) !== "web") faults.push(`${path} makes markup outside web/`);
    } else if (specifier.startsWith(".")) {
      const target = relative(SRC, join(SRC, dirname(path), specifier));
      if (!mayImport(path, target)) faults.push(`${path} must not import ${target}`);
    } else {
      const name = specifier
        .split("/")
        .slice(0, specifier.startsWith("@") ? 2 : 1)
        .join("/");
      if (!PACKAGES[name]?.test(path)) faults.push(`${path} must not import ${name}`);
    }
  }
  const lines = text.split("\n").length;
  if (lines > LINES_MAX) faults.push(`${path} has ${lines} lines, more than ${LINES_MAX}`);
  if (path !== "config.ts" && /process\.env|Bun\.env|import\.meta\.env/.test(text))
    faults.push(`${path} reads the environment`);
  if (path !== "http/cookies.ts" && /set-cookie/i.test(text)) faults.push(`${path} sets cookies`);
  if (/\bas (?:any|unknown as)\b|@ts-/.test(text)) faults.push(`${path} looks away from a type`);
  if (
    layerOf(path) !== "store" &&
    layerOf(path) !== "db" &&
    /\b(SELECT|INSERT INTO|UPDATE|DELETE FROM)\b .*[\w$]/.test(text)
  )
    if (path !== "api/health.ts") faults.push(`${path} speaks SQL`);
  return faults;
}

function mayImport(from: string, to: string): boolean {
  if (to.startsWith(".."))
    return to === "../package.json"
      ? from === "main.ts"
      : from === "http/assets.ts" && to.startsWith("../public/");
  if (LEAVES.has(from)) return false;
  if (LEAVES.has(to)) return true;
  // Views are pure functions from data to markup.
  if (from.endsWith(".view.tsx")) return to.endsWith(".view.tsx") || layerOf(to) === "locales";
  return layerOf(from) === layerOf(to) || ALLOWED[layerOf(from)]!.includes(layerOf(to));
}

describe("the architecture", () => {
  test("holds in every source file", () => {
    expect(sources.length).toBeGreaterThan(40);
    expect(sources.flatMap(faultsOf)).toEqual([]);
  });

  test.each([
    [
      "core/sessions.ts",
      'import { x } from "../http/auth.ts"; x();',
      "core/sessions.ts must not import http/auth.ts",
    ],
    [
      "core/users.ts",
      'import { Elysia } from "elysia"; new Elysia();',
      "core/users.ts must not import elysia",
    ],
    [
      "store/users.ts",
      'import { x } from "../core/users.ts"; x();',
      "store/users.ts must not import core/users.ts",
    ],
    [
      "db/sqlite.ts",
      'import { x } from "../store/users.ts"; x();',
      "db/sqlite.ts must not import store/users.ts",
    ],
    ["http/auth.ts", 'import { x } from "../web/page.ts"; x();', "http/auth.ts must not import web/page.ts"],
    [
      "api/users.ts",
      'import { x } from "../store/users.ts"; x();',
      "api/users.ts must not import store/users.ts",
    ],
    ["api/users.ts", 'import { x } from "../web/form.ts"; x();', "api/users.ts must not import web/form.ts"],
    [
      "web/home.view.tsx",
      'import { x } from "../core/users.ts"; x();',
      "web/home.view.tsx must not import core/users.ts",
    ],
    ["core/errors.ts", 'import { x } from "./ids.ts"; x();', "core/errors.ts must not import core/ids.ts"],
    ["core/ids.ts", "export const x = process.env.HOME;", "core/ids.ts reads the environment"],
    ["web/page.ts", 'export const x = "Set-Cookie";', "web/page.ts sets cookies"],
    ["core/ids.ts", "// a line\n".repeat(250), "core/ids.ts has 251 lines, more than 250"],
    ["core/users.ts", 'export const x = "SELECT * FROM users";', "core/users.ts speaks SQL"],
    ["api/users.ts", "export const x = y as unknown as number;", "api/users.ts looks away from a type"],
  ])("would not hold with this in %s: %j", (path, text, fault) => {
    expect(faultsOf({ path, text })).toContain(fault);
  });

  test("keeps one noun under one name in every layer it is in", () => {
    const nouns = (layer: string) =>
      sources
        .map(({ path }) => path)
        .filter((path) => path.startsWith(`${layer}/`))
        .map((path) => path.split("/")[1]!.split(".")[0]!);
    for (const noun of ["users", "sessions", "conversations", "messages"])
      for (const layer of ["core", "store", "api"]) expect(nouns(layer)).toContain(noun);
    const tests = [...new Bun.Glob("*.test.{ts,tsx}").scanSync(join(ROOT, "test"))].map(
      (file) => file.split(".")[0]!,
    );
    for (const noun of nouns("core").filter(
      (noun) =>
        ![
          "errors",
          "limits",
          "ids",
          "log",
          "text",
          "usernames",
          "passwords",
          "profiles",
          "bell",
          "housekeeping",
          "introspection",
        ].includes(noun),
    ))
      expect(tests).toContain(noun);
  });

  test("documents every export of core", () => {
    for (const { path, text } of sources.filter(({ path }) => path.startsWith("core/")))
      for (const [, comment, name] of text.matchAll(
        /(\*\/\n)?^export (?:async )?(?:function|const|class) (\w+)/gm,
      ))
        expect([path, name, comment !== undefined]).toEqual([path, name!, true]);
  });

  test("has nothing at the top but what is agreed", () => {
    const agreed =
      "package.json bunfig.toml tsconfig.json src public test README.md bun.lock LICENSE README.zh.md SECURITY.md CHANGELOG.md .gitignore .ci".split(
        " ",
      );
    const ignored = readFileSync(join(ROOT, ".gitignore"), "utf8")
      .split("\n")
      .map((line) => line.replace(/\/$/, ""));
    const names = readdirSync(ROOT).filter((name) => name !== ".git" && !ignored.includes(name));
    expect(names.filter((name) => !agreed.includes(name))).toEqual([]);
  });
});
