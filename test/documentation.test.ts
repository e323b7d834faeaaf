import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { flagOf, SETTINGS, variableOf, type SettingName } from "../src/config.ts";
import { END_REASONS, ERROR_STATUS, FIELD_CODES } from "../src/errors.ts";
import { THROTTLES } from "../src/core/auth/throttle.ts";
import { startApp, temporaryFolder } from "./support/app.ts";
import { BINARY, fromSource, ROOT, run } from "./support/process.ts";

const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[];

const readme = readFileSync(join(ROOT, "README.md"), "utf8");
const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));

describe("the README names", () => {
  test("every setting, with its default", () => {
    for (const name of SETTING_NAMES) {
      const { default: fallback } = SETTINGS[name];
      const row = readme.split("\n").find((line) => line.startsWith(`| \`${variableOf(name)}\``));
      expect([name, row !== undefined]).toEqual([name, true]);
      expect(row).toContain(flagOf(name));
      if (fallback !== undefined) expect(row).toContain(`\`${fallback}\``);
    }
  });

  test("no setting that is not there", () => {
    for (const [variable] of readme.matchAll(/DUET_[A-Z_]+/g))
      expect(SETTING_NAMES.map(variableOf)).toContain(variable);
  });

  test("every route, and none that is not there", async () => {
    await using t = await startApp();
    const routes = t.app.routes.map(({ method, path }) => `${method} ${path}`).toSorted();
    const named = [...readme.matchAll(/^\| `((?:GET|POST|PATCH|DELETE) \/[^`]*)`/gm)].map(
      ([, route]) => route!,
    );
    expect(named.toSorted()).toEqual(routes);
  });

  test("every error code with its status, every reason and field code", () => {
    for (const [code, status] of Object.entries(ERROR_STATUS))
      expect(readme).toMatch(RegExp(`^\\| \`${code}\` *\\| ${status} `, "m"));
    for (const code of [...END_REASONS, ...FIELD_CODES]) expect(readme).toContain(`\`${code}\``);
  });

  test("every limit as it is, in the order of the code", () => {
    const table = /### Limits\n[^]*?\n(\| -[^]*?)\n\n/.exec(readme)![1]!;
    const rows = [...table.matchAll(/\| (\d+) +\| (\d+) (s|min) +\|$/gm)];
    const limits = rows.map(([, burst, n, unit]) => ({
      burst: Number(burst),
      everyMs: Number(n) * (unit === "s" ? 1000 : 60_000),
    }));
    expect(limits).toEqual(Object.values(THROTTLES));
  });

  test("every dependency, pinned exactly, with its reason", () => {
    for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
      expect(version).toMatch(/^\d+\.\d+\.\d+$/);
      expect(readme).toMatch(RegExp(`^\\| \`${name}\` *\\| \\S`, "m"));
    }
  });

  test("only files and commands that exist", () => {
    // `x` stands for a noun.
    for (const [, path] of readme.matchAll(/`((?:src|public|test)\/(?!\w+\/x\.)[\w./-]*)`/g))
      expect([path, existsSync(join(ROOT, path!))]).toEqual([path!, true]);
    for (const [, script] of readme.matchAll(
      /bun(?:@1\.4\.5)? (?:run )?(start|test|dev|build|\w+)(?=`|$|\n)/gm,
    ))
      if (/^(start|dev|build|test)$/.test(script!)) expect(manifest.scripts).toHaveProperty(script!);
  });

  test("the versions of what it stands on", () => {
    for (const name of ["elysia", "htmx.org"]) expect(readme).toContain(manifest.dependencies[name]);
    expect(readme).toContain(`bun@${Bun.version}`);
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
    expect(me.username).toBe("alice");
    expect(conversation.title).toBe("Hello");
    expect(again.refresh_token).toBe(pair.refresh_token);
    expect({ ...last, ended_at: promised.ended_at }).toEqual(promised);
  });
});
