import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { ROOT } from "./support/process.ts";

const SRC = join(ROOT, "src");
const LINES_MAX = 250;

/**
 * Who may import whom. A request runs down this list; what it uses is imported, never the other way round. Signing in
 * knows nothing of conversations. Leaves may be imported from everywhere.
 */
const ALLOWED: Record<string, string[]> = {
  "main.ts": ["cli"],
  cli: [
    "app.ts",
    "data.ts",
    "duet.ts",
    "config.ts",
    "settings.ts",
    "http",
    "core",
    "core/auth",
    "core/chat",
    "db",
    "locales",
  ],
  "app.ts": ["api", "web", "http", "mail", "data.ts", "duet.ts", "config.ts", "core"],
  "data.ts": ["http", "core", "core/auth", "store", "db"],
  "duet.ts": ["core", "core/auth", "core/chat"],
  api: ["http", "core", "core/auth", "core/chat"],
  web: ["http", "core", "core/auth", "core/chat", "locales"],
  http: ["core", "core/auth", "locales", "client"],
  mail: ["core/auth"],
  // What runs in the page stands alone; the server only bundles it.
  client: [],
  "core/chat": ["core/auth", "core", "store"],
  "core/auth": ["core", "store"],
  core: ["store"],
  store: ["db"],
  db: [],
  locales: [],
  "config.ts": ["settings.ts"],
  "settings.ts": ["core", "core/auth"],
};
/** What besides may be named as a type: it leaves nothing behind in the program. */
const TYPES: Record<string, string[]> = {
  "data.ts": ["config.ts"],
  "duet.ts": ["config.ts", "store"],
  api: ["duet.ts"],
  web: ["duet.ts", "client"],
  http: ["core/chat"],
  client: ["core/auth"],
  locales: ["core/auth"],
};
const LEAVES = new Set(["errors.ts", "limits.ts"]);

/** Packages, by the only places that may know them. */
const PACKAGES: Record<string, RegExp> = {
  elysia: /^(app\.ts|api|web|http)/,
  "@elysiajs/jwt": /^http\/signers\.ts$/,
  "@elysiajs/html": /^(http\/jsx|web\/page\.ts)/,
  "@elysiajs/openapi": /^http\/openapi\.ts$/,
  "lucide-static": /^web\/icons\.view\.tsx$/,
  "htmx.org": /^client\//,
  jose: /^(core\/auth\/(bindings|jws|keys|lab|proofs)|http\/signers)\.ts$/,
  unhomoglyph: /^core\/auth\/lookalikes\.ts$/,
  bowser: /^core\/auth\/devices\.ts$/,
  otpauth: /^core\/auth\/codes\.ts$/,
  "@simplewebauthn/server": /^core\/auth\/passkeys\.ts$/,
  nodemailer: /^mail\//,
  "reflect-metadata": /^core\/auth\/passkeys\.ts$/,
  uqr: /^web\/factors\.view\.tsx$/,
  "bun:sqlite": /^db\//,
  "bun:ffi": /^cli\/sockets\.ts$/,
  "@zxcvbn-ts/core": /^core\/auth\/passwords\.ts$/,
  "@zxcvbn-ts/language-common": /^core\/auth\/passwords\.ts$/,
  "node:fs": /^(db\/|cli\/(priority|sockets|takeover)\.ts$)/,
  "node:path": /^(db\/|client\/bundle\.ts)/,
  "node:crypto":
    /^(core\/auth\/(bindings|factors|hashes|mailed-links|seal|secret-signer|proofs)|http\/caller)\.ts$/,
  "node:net": /^(core\/addresses|http\/proxies)\.ts$/,
  "node:util": /^(config|cli\/command|core\/auth\/hashes)\.ts$/,
  "node:os": /^(core\/auth\/passwords|db\/folder|cli\/priority)\.ts$/,
};

type Source = { path: string; text: string };

const sources: Source[] = [...new Bun.Glob("**/*.{ts,tsx}").scanSync(SRC)]
  .filter((path) => !path.endsWith(".d.ts"))
  .map((path) => ({ path, text: readFileSync(join(SRC, path), "utf8") }));

const layerOf = (path: string) => /^core\/(?:auth|chat)(?=\/)|^[^/]+/.exec(path)![0];

type Arrow = { specifier: string; isType: boolean };

/** Every import, of types too, which the transpiler leaves out. */
function importsOf({ path, text }: Source): Arrow[] {
  const arrows: Arrow[] = [];
  for (const [, clause, specifier] of text.matchAll(/^(?:import|export) ([^;"]*? from )?"([^"]+)"/gm)) {
    const names = clause ?? "";
    const isType =
      names.startsWith("type ") ||
      (/^\{[^}]*\} from /.test(names) && /^\{(?:\s*type [^,}]+,?)*\s*\} from /.test(names));
    arrows.push({ specifier: specifier!, isType });
  }
  const transpiler = new Bun.Transpiler({ loader: path.endsWith("x") ? "tsx" : "ts" });
  for (const { path: specifier } of transpiler.scanImports(text))
    // The transpiler alone does not know whose JSX it is and says "react".
    if (/^react\b/.test(specifier)) arrows.push({ specifier: "#html", isType: false });
    else if (!arrows.some((arrow) => arrow.specifier === specifier && !arrow.isType))
      arrows.push({ specifier, isType: false });
  return arrows;
}

const targetOf = (path: string, specifier: string) => relative(SRC, join(SRC, dirname(path), specifier));

/** Every rule that a source file breaks, in words. */
function faultsOf({ path, text }: Source): string[] {
  const faults: string[] = [];
  for (const { specifier, isType } of importsOf({ path, text })) {
    if (specifier === "#html") {
      if (layerOf(path) !== "web") faults.push(`${path} makes markup outside web/`);
    } else if (specifier.startsWith(".")) {
      const target = targetOf(path, specifier);
      if (!mayImport(path, target, isType)) faults.push(`${path} must not import ${target}`);
    } else {
      const name = specifier
        .split("/")
        .slice(0, specifier.startsWith("@") ? 2 : 1)
        .join("/");
      if (!isType && !PACKAGES[name]?.test(path)) faults.push(`${path} must not import ${name}`);
    }
  }
  // What a script expects of the page stands at its top.
  const header = text.slice(0, text.search(/^(?!\/\/|$)/m));
  if (layerOf(path) === "client" && /\b(document|byId|dataset)\b/.test(text) && !header.includes("// DOM: "))
    faults.push(`${path} does not say what it expects of the page`);
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
    faults.push(`${path} speaks SQL`);
  return faults;
}

function mayImport(from: string, to: string, isType: boolean): boolean {
  if (to.startsWith(".."))
    return to === "../package.json"
      ? ["cli/commands.ts", "cli/serve.ts", "http/openapi.ts", "http/traces.ts"].includes(from)
      : from === "http/assets.ts" && to.startsWith("../public/");
  if (LEAVES.has(from)) return false;
  if (LEAVES.has(to)) return true;
  // Views are pure functions from data to markup: they know the types of core, and nothing that does anything.
  if (from.endsWith(".view.tsx") && !isType) return to.endsWith(".view.tsx") || layerOf(to) === "locales";
  const [layer, other] = [layerOf(from), layerOf(to)];
  return layer === other || ALLOWED[layer]!.includes(other) || (isType && !!TYPES[layer]?.includes(other));
}

/** A way from a file back to itself, through values or types; null where there is none. */
function circleIn(files: Source[]): string[] | null {
  const arrows = new Map(
    files.map((file) => [
      file.path,
      importsOf(file)
        .filter(({ specifier }) => specifier.startsWith("."))
        .map(({ specifier }) => targetOf(file.path, specifier)),
    ]),
  );
  const done = new Set<string>();
  function walk(path: string, trail: string[]): string[] | null {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path];
    if (done.has(path)) return null;
    for (const next of arrows.get(path) ?? []) {
      const circle = walk(next, [...trail, path]);
      if (circle) return circle;
    }
    done.add(path);
    return null;
  }
  for (const path of arrows.keys()) {
    const circle = walk(path, []);
    if (circle) return circle;
  }
  return null;
}

describe("the architecture", () => {
  test("holds in every source file", () => {
    expect(sources.length).toBeGreaterThan(40);
    expect(sources.flatMap(faultsOf)).toEqual([]);
  });

  test("has no circle, types included", () => {
    expect(circleIn(sources)).toBeNull();
    const planted = [
      { path: "core/auth/tokens.ts", text: 'import type { Signer } from "./signer.ts";' },
      { path: "core/auth/signer.ts", text: 'import { type Page } from "../page.ts";' },
      { path: "core/page.ts", text: 'export type { Claims } from "./auth/tokens.ts";' },
    ];
    expect(circleIn(planted)).toHaveLength(4);
  });

  test.each([
    [
      "core/auth/sessions.ts",
      'import { x } from "../../http/auth.ts"; x();',
      "core/auth/sessions.ts must not import http/auth.ts",
    ],
    [
      "core/auth/users.ts",
      'import { Elysia } from "elysia"; new Elysia();',
      "core/auth/users.ts must not import elysia",
    ],
    [
      "core/auth/account.ts",
      'import type { Message } from "../chat/messages.ts"; export type X = Message;',
      "core/auth/account.ts must not import core/chat/messages.ts",
    ],
    [
      "core/page.ts",
      'import type { Viewer } from "./auth/users.ts"; export type X = Viewer;',
      "core/page.ts must not import core/auth/users.ts",
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
    ["errors.ts", 'import { x } from "./core/ids.ts"; x();', "errors.ts must not import core/ids.ts"],
    ["core/ids.ts", "export const x = process.env.HOME;", "core/ids.ts reads the environment"],
    [
      "client/lab.ts",
      "// The lab.\n\nexport const x = document.title;",
      "client/lab.ts does not say what it expects of the page",
    ],
    [
      "client/lab.ts",
      'import { x } from "../web/next.ts"; x();',
      "client/lab.ts must not import web/next.ts",
    ],
    ["web/page.ts", 'export const x = "Set-Cookie";', "web/page.ts sets cookies"],
    ["core/ids.ts", "// a line\n".repeat(250), "core/ids.ts has 251 lines, more than 250"],
    ["core/users.ts", 'export const x = "SELECT * FROM users";', "core/users.ts speaks SQL"],
    ["api/users.ts", "export const x = y as unknown as number;", "api/users.ts looks away from a type"],
  ])("would not hold with such a line in %s", (path, text, fault) => {
    expect(faultsOf({ path, text })).toContain(fault);
  });

  test("keeps one noun under one name in every layer it is in", () => {
    const nouns = (layer: string) =>
      sources
        .map(({ path }) => path)
        .filter((path) => path.startsWith(`${layer}/`))
        .map((path) => path.split("/").at(-1)!.split(".")[0]!);
    for (const noun of ["users", "sessions", "security", "keys", "conversations", "messages"])
      for (const layer of ["core", "store", "api"]) expect(nouns(layer)).toContain(noun);
    const tests = [...new Bun.Glob("*.test.{ts,tsx}").scanSync(join(ROOT, "test"))].map(
      (file) => file.split(".")[0]!,
    );
    const isPartOfAnother =
      "ids log text clock page viewer commit changes notifier housekeeping jws observer usernames lookalikes passwords profiles own-sessions shown diary signer seal introspection members thread readers moves forms overlap holders proofs bindings bound named restoration hashes actors confirm links mailed-links own-factors challenges codes passkeys guesses sign-ins chat notes invites guests guest-tokens secret-signer letters event-kinds".split(
        " ",
      );
    for (const noun of nouns("core").filter((noun) => !isPartOfAnother.includes(noun)))
      expect(tests).toContain(noun);
  });

  test("makes no HMAC with Bun's hasher, which fails for errors that others have left in OpenSSL", () => {
    for (const { path, text } of sources)
      expect([path, /CryptoHasher\([^)]*,/.test(text)]).toEqual([path, false]);
  });

  test("documents every export of core", () => {
    for (const { path, text } of sources.filter(({ path }) => path.startsWith("core/")))
      for (const [, comment, name] of text.matchAll(
        /(\*\/\n)?^export (?:async )?(?:function|const|class) (\w+)/gm,
      ))
        expect([path, name, comment !== undefined]).toEqual([path, name!, true]);
  });

  test("has its styles in layers, with every colour under a name", () => {
    for (const file of ["app.css", "lab.css"]) {
      const text = readFileSync(join(ROOT, "public", file), "utf8").replaceAll(/\/\*[^]*?\*\//g, "");
      const outside = text.replaceAll(/^@layer [\w, ]+;$|^@layer \w+ \{[^]*?^\}$/gm, "").trim();
      expect([file, outside]).toEqual([file, ""]);
      const named = text.replaceAll(/--[\w-]+:[^;]+;/g, "").match(/#[\da-f]{3,8}\b(?=[ ;])/gi) ?? [];
      expect([file, named]).toEqual([file, []]);
    }
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
