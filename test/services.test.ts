import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { temporaryFolder } from "./support/app.ts";
import { KeyHolder } from "./support/dpop.ts";
import { bareEnvironment, freePort, ROOT } from "./support/process.ts";
import { startService, type Service } from "./support/service.ts";
import { issue, type Issued } from "./support/tokens.ts";
import { goEnvironment, VERIFIERS } from "./verifiers/list.ts";

// The blocks of src/api/services.md, as they stand there, each in its runtime.

const page = readFileSync(join(ROOT, "src/api/services.md"), "utf8");

type Recipe = {
  name: string;
  language: string;
  /** What is missing here, as Debian calls it. */
  missing: string | false;
  /** Where it is written to, and how it is run. */
  file: string;
  command(file: string, port: number): string[] | Promise<string[]>;
};

const { PATH } = bareEnvironment();
const [python, go] = [Bun.which("python3", { PATH }), Bun.which("go", { PATH })];
/** Beside the packages that it imports. */
const besides = (name: string) => join(ROOT, "dist", `${name}-${process.pid}`);

/** Debian's names of what Python is asked to import. */
const PYTHON = {
  fastapi: "python3-fastapi",
  uvicorn: "uvicorn",
  jwt: "python3-jwt",
  cryptography: "python3-cryptography",
};

function missingForPython(): string | false {
  if (!python) return "python3";
  const find = "import importlib.util as u, sys; print(*(n for n in sys.argv[1:] if not u.find_spec(n)))";
  const { stdout } = Bun.spawnSync([python, "-c", find, ...Object.keys(PYTHON)]);
  const [missing] = stdout.toString().trim().split(" ");
  return missing ? PYTHON[missing as keyof typeof PYTHON] : false;
}

function missingForGo(): string | false {
  if (!go) return "golang-go";
  const isThere = existsSync(join(goEnvironment().GOPATH, "src/github.com/coreos/go-oidc"));
  return isThere ? false : "golang-github-coreos-go-oidc-dev";
}

async function build(file: string): Promise<string[]> {
  const made = file.replace(/\.go$/, "");
  const env = bareEnvironment(goEnvironment());
  const child = Bun.spawn([go!, "build", "-o", made, file], { env, stderr: "pipe" });
  const said = await new Response(child.stderr).text();
  if ((await child.exited) !== 0) throw new Error(said);
  return [made];
}

const RECIPES: Recipe[] = [
  {
    name: "Express",
    language: "js",
    missing: false,
    file: `${besides("express")}.mjs`,
    command: (file) => [Bun.which("node")!, file],
  },
  ...["Hono", "Elysia"].map((name) => ({
    name,
    language: "ts",
    missing: false as const,
    file: `${besides(name.toLowerCase())}.ts`,
    command: (file: string) => [process.execPath, file],
  })),
  {
    name: "FastAPI",
    language: "python",
    missing: missingForPython(),
    file: join(temporaryFolder(), "service.py"),
    command: (file, port) =>
      [python!, "-m", "uvicorn", "service:app"].concat("--app-dir", dirname(file), "--port", String(port)),
  },
  {
    name: "Go",
    language: "go",
    missing: missingForGo(),
    file: join(temporaryFolder(), "service.go"),
    command: build,
  },
];

const blockOf = ({ name, language }: Recipe) =>
  RegExp(`^## ${name}\\n[^]*?^\`\`\`${language}\\n([^]*?)^\`\`\``, "m").exec(page)![1]!;

let t: Issued;
let other: Issued;
beforeAll(async () => {
  [t, other] = await Promise.all([issue("ES256"), issue("EdDSA")]);
  await t.expired();
}, 60_000);
afterAll(async () => {
  await Promise.all([t, other].map((each) => each[Symbol.asyncDispose]()));
  for (const { file } of RECIPES) rmSync(file, { force: true });
});

async function start(recipe: Recipe, { url } = t): Promise<Service> {
  const port = freePort();
  const code = blockOf(recipe)
    .replaceAll("http://localhost:3000", url)
    .replace(/\b4000\b/, String(port));
  writeFileSync(recipe.file, code);
  const command = await recipe.command(recipe.file, port);
  return startService(command, { cwd: ROOT, port });
}

async function takesOnlyGood(recipe: Recipe) {
  await using service = await start(recipe);
  const caller = { id: t.user.id, username: "alice" };
  const taken = async (token: string) => {
    const { status, text } = await service.ask(token);
    return [status, JSON.parse(text)];
  };
  expect(await taken(t.good)).toEqual([200, caller]);
  const wrong = { ...t.refused, "one of a key": t.bound, "another typ": t.otherTyp };
  const answers = async (tokens: Record<string, string | undefined>) =>
    Promise.all(
      Object.entries(tokens).map(async ([fault, token]) => {
        const { status, headers, text } = await service.ask(token);
        const isChallenged = /^Bearer\b/.test(headers.get("www-authenticate") ?? "");
        return [fault, status, isChallenged, text.includes("alice")];
      }),
    );
  const refusals = await answers({ ...wrong, nobody: undefined });
  expect(refusals).toEqual([...Object.keys(wrong), "nobody"].map((fault) => [fault, 401, true, false]));
  {
    // A good one, of a key that is published, by an algorithm that was not named.
    await using misled = await start(recipe, other);
    expect((await misled.ask(other.good)).status).toBe(401);
  }
  // After the key has rotated, without a restart: the next one was published before.
  expect(await taken(await t.rotate())).toEqual([200, caller]);
  expect(await taken(t.good)).toEqual([200, caller]);
}

describe("a service as the page has it", () => {
  for (const recipe of RECIPES)
    // In CI all of them are at hand, or it is a failure.
    if (recipe.missing && process.env["BROWSER_TESTS"] !== "required")
      test.skip(`NOT RUN: no ${recipe.missing} here: ${recipe.name}`, () => {});
    else
      test(
        `${recipe.name}: knows who is calling by a good token, and takes no other`,
        () => takesOnlyGood(recipe),
        60_000,
      );

  test("Express: takes a token that a key holds, with its proof", async () => {
    await using service = await start(RECIPES[0]!);
    const { pair, jwk, algorithm } = t.holder;
    const ask = async (origin: string) => {
      const dpop = await new KeyHolder(undefined, pair, jwk, algorithm, origin).proof("GET", "/", t.bound);
      return fetch(service.url, { headers: { authorization: `DPoP ${t.bound}`, dpop } });
    };
    const answer = await ask(service.url);
    expect([answer.status, await answer.json()]).toEqual([200, { id: t.user.id, username: "alice" }]);
    expect((await ask("http://another.example")).status).not.toBe(200);
  });
});

test("the table on the page is of the verifiers that are run, at their versions", () => {
  for (const { name, version, told } of VERIFIERS) {
    const row = page.split("\n").find((line) => line.startsWith(`| ${name} `));
    expect([name, row?.includes(told)]).toEqual([name, true]);
    if ("npm" in version) expect(row).toContain(` ${version.npm[0]!.split("@").at(-1)} `);
  }
});
