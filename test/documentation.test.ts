import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { COMMANDS } from "../src/cli/commands.ts";
import { flagOf, SETTINGS, variableOf, type SettingName } from "../src/settings.ts";
import { END_REASONS, ERROR_STATUS, FIELD_CODES } from "../src/errors.ts";
import { THROTTLES } from "../src/core/auth/throttle.ts";
import { written } from "./reference/write.ts";
import { startApp, temporaryFolder } from "./support/app.ts";
import { PASSWORDS } from "./support/people.ts";
import { BINARY, fromSource, ROOT, run } from "./support/process.ts";

const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[];

const read = (path: string) => readFileSync(join(ROOT, path), "utf8");
const PAGES = [
  "README.md",
  "src/README.md",
  "src/api/README.md",
  "src/api/agents.md",
  "src/api/services.md",
  "test/prove/README.md",
  "test/faults/README.md",
  "test/README.md",
  "SECURITY.md",
  "CHANGELOG.md",
  "src/db/README.md",
  "src/cli/README.md",
  "README.zh.md",
];
const [readme, source, reference] = PAGES.map(read) as [string, string, string];
const manifest = JSON.parse(read("package.json"));

describe("the reference names", () => {
  test("every setting, with its default", () => {
    for (const name of SETTING_NAMES) {
      const { default: fallback } = SETTINGS[name];
      const row = reference.split("\n").find((line) => line.startsWith(`| \`${variableOf(name)}\``));
      expect([name, row !== undefined]).toEqual([name, true]);
      expect(row).toContain(flagOf(name));
      if (fallback !== undefined) expect(row).toContain(`\`${fallback}\``);
    }
  });

  test("every command", () => {
    for (const { name, options = {} } of COMMANDS) {
      const row = reference.split("\n").find((line) => line.startsWith("|") && line.includes(`duet ${name}`));
      expect([name, row !== undefined]).toEqual([name, true]);
      for (const flag of Object.keys(options).filter((each) => each !== "json"))
        expect([name, flag, row!.includes(`--${flag}`)]).toEqual([name, flag, true]);
    }
  });

  test("every route, and none that is not there", async () => {
    await using t = await startApp();
    const routes = t.app.routes.map(({ method, path }) => `${method} ${path}`).toSorted();
    const named = [...reference.matchAll(/^\| `((?:GET|POST|PATCH|DELETE) \/[^`]*)`/gm)].map(
      ([, route]) => route!,
    );
    expect(named.toSorted()).toEqual(routes);
  });

  test("its routes, answers and errors as /openapi.json has them", async () => {
    const plain = (text: string) => text.replaceAll(/ *\| */g, "|").replaceAll(/-{3,}/g, "---");
    expect(plain(reference)).toBe(plain(await written()));
  });

  test("every error code with its status, every reason and field code", () => {
    for (const [code, status] of Object.entries(ERROR_STATUS))
      expect(reference).toMatch(RegExp(`^\\| \`${code}\` *\\| ${status} `, "m"));
    for (const code of [...END_REASONS, ...FIELD_CODES]) expect(reference).toContain(`\`${code}\``);
  });

  test("every limit as it is, in the order of the code", () => {
    const table = /## Limits\n[^]*?\n(\| -[^]*?)\n\n/.exec(reference)![1]!;
    const rows = [...table.matchAll(/\| (\d+) +\| ([\d.]+) (s|min) +\|$/gm)];
    const limits = rows.map(([, burst, n, unit]) => ({
      burst: Number(burst),
      everyMs: Number(n) * (unit === "s" ? 1000 : 60_000),
    }));
    expect(limits).toEqual(Object.values(THROTTLES));
  });
});

/** What a page says that could be wrong. */
function faultsOf(page: string, text: string): string[] {
  const faults: string[] = [];
  // `x` stands for a noun.
  for (const [, path] of text.matchAll(/`((?:src|public|test)\/(?!(?:[\w/]+\/)?x\.)[\w./-]*)`/g))
    if (!existsSync(join(ROOT, path!))) faults.push(`${page} names ${path}, which is not there`);
  for (const [, link] of text.matchAll(/\]\((?!https?:|#)([^)#]+)/g))
    if (!existsSync(join(ROOT, dirname(page), link!)))
      faults.push(`${page} links to ${link}, which is not there`);
  for (const [, script] of text.matchAll(/\bbun(?:@[\d.]+)? run ([\w-]+)/g))
    if (!Object.hasOwn(manifest.scripts, script!)) faults.push(`${page} runs ${script}, which is no script`);
  // What else stands after `bun` is a script or one of Bun's own commands, or a file.
  for (const [, word] of text.matchAll(/(?<=[`$ ])bun(?:@[\d.]+)? ([a-z][\w./-]*)/g))
    if (
      !Object.hasOwn(manifest.scripts, word!) &&
      !/^(?:run|build|test|check|fmt|install|add)$|\.ts$/.test(word!)
    )
      faults.push(`${page} runs ${word}, which is no script`);
  for (const [variable] of text.matchAll(/DUET_[A-Z_]+/g))
    if (!SETTING_NAMES.map(variableOf).includes(variable as `DUET_${string}`))
      faults.push(`${page} names ${variable}, which is no setting`);
  return faults;
}

describe("the documents", () => {
  test.each(PAGES)("%s names only files, links, commands and settings that exist", (page) => {
    expect(faultsOf(page, read(page))).toEqual([]);
  });

  test.each(["README.md", "README.zh.md"])("%s shows pictures that are there, each under 200 KB", (page) => {
    const pictures = [...read(page).matchAll(/<img src="([^"]+)"/g)].map(([, path]) => path!);
    expect(pictures).toHaveLength(4);
    for (const path of pictures) expect(statSync(join(ROOT, path)).size).toBeWithin(10_000, 200_000);
  });

  test("would not hold with a wrong one", () => {
    const text =
      "`src/nothing.ts`, [here](nowhere.md), `bun run lab`, $ npx -y bun@1.4.5 run protect, `bun begin`, DUET_NOTHING";
    expect(faultsOf("src/README.md", text)).toEqual([
      "src/README.md names src/nothing.ts, which is not there",
      "src/README.md links to nowhere.md, which is not there",
      "src/README.md runs lab, which is no script",
      "src/README.md runs protect, which is no script",
      "src/README.md runs begin, which is no script",
      "src/README.md names DUET_NOTHING, which is no setting",
    ]);
  });

  test("name every script, and the versions they speak of", () => {
    const all = PAGES.map(read).join("\n");
    for (const script of Object.keys(manifest.scripts))
      expect(all).toMatch(RegExp(`bun (?:run )?${script}\\b`));
    for (const name of ["elysia", "htmx.org"]) expect(source).toContain(manifest.dependencies[name]);
    expect(readme).toContain(`bun@${Bun.version}`);
  });

  test("name every dependency, pinned exactly, with its reason", () => {
    for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
      expect(version).toMatch(/^\d+\.\d+\.\d+(?:-beta\.\d+)?$/);
      expect(source).toMatch(RegExp(`^\\| \`${name}\` *\\| \\S`, "m"));
    }
  });

  test("stay short: the README is read in five minutes, the tour of ten files in an hour", () => {
    expect(readme.split("\n").length).toBeLessThanOrEqual(205);
    const tour = [...source.matchAll(/^\d+\. `(src\/[^`]+)`/gm)].map(([, path]) => path!);
    expect(tour).toHaveLength(10);
    const lines = tour.map((path) => read(path).split("\n").length).reduce((a, b) => a + b);
    expect(lines).toBeLessThan(1400);
  });
});

describe("the README in Chinese", () => {
  const chinese = read("README.zh.md");
  /** What has to be the same in every language: sections, blocks, links, tables, and what is in code. */
  const shapeOf = (text: string) => ({
    sections: (text.match(/^##? /gm) ?? []).length,
    blocks: text.match(/```[^]*?```/g),
    links: [...text.matchAll(/\]\((?!README)([^)]+)\)/g)].map(([, link]) => link).toSorted(),
    rows: (text.match(/^\|/gm) ?? []).length,
    code: [...text.replaceAll(/```[^]*?```/g, "").matchAll(/`([^`]+)`/g)]
      .map(([, code]) => code!.replaceAll(/\s+/g, " "))
      .toSorted(),
    numbers: [...text.replaceAll(/```[^]*?```/g, "").matchAll(/\d+(?:\.\d+)?(?= %)/g)].map(String).toSorted(),
  });

  test("says what the English one says, as far as that can be counted", () => {
    expect(shapeOf(chinese)).toEqual(shapeOf(readme));
    expect(chinese.match(/\p{Script=Han}/gu)!.length).toBeGreaterThan(1500);
  });
});

describe("the README's way to protect a service", () => {
  test("knows who is calling by an access token of the executable, and takes nothing else", async () => {
    await using server = await run([BINARY, "--port", "0", "--data", temporaryFolder()]);
    const code = /```ts\n([^]*?)```/.exec(readme)![1]!;
    // Beside the packages that it imports.
    const file = join(ROOT, "dist", `protect-${process.pid}.ts`);
    // A free port is not part of the issuer's name.
    const url = `const duet = "http://localhost"; const at = "${server.url}";`;
    writeFileSync(
      file,
      code.replace(/^const duet = .*$/m, url).replace("${duet}/.well-known", "${at}/.well-known"),
    );
    try {
      const { callerOf } = await import(file);
      const registered = await fetch(`${server.url}/api/auth/register`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ username: "alice", password: PASSWORDS["alice"] }),
      });
      const pair = (await registered.json()) as Record<"access_token" | "refresh_token", string> & {
        user: { id: string };
      };
      const ask = (authorization?: string) =>
        callerOf(new Request("http://service.example/", { headers: authorization ? { authorization } : {} }));
      expect(await ask(`Bearer ${pair.access_token}`)).toEqual({
        id: pair.user.id,
        username: "alice",
        session: expect.any(String),
      });
      const forged = pair.access_token.replace(/.{8}$/, "AAAAAAAA");
      for (const wrong of [
        undefined,
        "Bearer",
        `Bearer ${pair.refresh_token}`,
        `Bearer ${forged}`,
        "Basic YTpi",
      ])
        await expect(ask(wrong)).rejects.toThrow();
    } finally {
      rmSync(file);
    }
  });
});

describe("the README's curl session", () => {
  const script = /```bash\n(api=[^]*?)```/.exec(readme)![1]!;
  const promised = JSON.parse(/last line answers\n\n```json\n([^]*?)```/.exec(readme)![1]!);

  test.each([
    ["the source", fromSource("--port", "0")],
    ["the executable", [BINARY, "--port", "0"]],
  ])("does against %s what it says", async (_, command) => {
    await using server = await run([...command, "--data", temporaryFolder()]);
    const child = Bun.spawn(["bash", "-euc", script.replaceAll("http://localhost:3000", server.url)], {
      cwd: temporaryFolder(),
      stdout: "pipe",
    });
    const answers = (await new Response(child.stdout).text())
      .trim()
      .split("\n")
      .filter((line) => line !== "");
    expect(await child.exited).toBe(0);
    const [me, conversation, pair, again, last] = answers.map((line) => JSON.parse(line));
    expect(me.username).toBe("ann");
    expect(conversation.title).toBe("Hello");
    expect(again.refresh_token).toBe(pair.refresh_token);
    expect({ ...last, ended_at: promised.ended_at }).toEqual(promised);
  });
});
