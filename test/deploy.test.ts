import { describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { folderOnDisk, startApp, UNLIMITED } from "./support/app.ts";
import { login, me, refresh, register } from "./support/people.ts";
import { bareEnvironment, BINARY, freePort, ROOT, run } from "./support/process.ts";

const page = readFileSync(join(ROOT, "src/cli/README.md"), "utf8");
const blockOf = (language: string) => RegExp(`\`\`\`${language}\n([^]*?)\`\`\``).exec(page)![1]!;

const analyse = Bun.which("systemd-analyze");
const withSystemd = (name: string, work: () => void) =>
  analyse ? test(name, work) : test.skip(`NOT RUN: no systemd-analyze here: ${name}`, () => {});

/** With a table of mounts of its own, as an engine gives each container. */
const mayMount =
  process.arch === "x64" &&
  Bun.which("unshare") !== null &&
  Bun.spawnSync(["unshare", "--mount", "true"]).exitCode === 0;
const asRoot = (name: string, work: () => Promise<void>) =>
  mayMount ? test(name, work) : test.skip(`NOT RUN: nothing may be mounted here: ${name}`, () => {});

describe("the unit of systemd", () => {
  withSystemd("is one, and is held as tightly as the page says", () => {
    const unit = join(folderOnDisk(), "duet.service");
    writeFileSync(unit, blockOf("ini").replace("/usr/local/bin/duet", BINARY));
    const verified = Bun.spawnSync([analyse!, "verify", unit]);
    expect(
      verified.stderr
        .toString()
        .split("\n")
        .filter((line) => line.includes("duet.service")),
    ).toEqual([]);
    const judged = Bun.spawnSync([analyse!, "security", "--offline=true", "--no-pager", unit]);
    const [, exposure] = /Overall exposure level for duet\.service: ([\d.]+)/.exec(judged.stdout.toString())!;
    expect(page).toContain(`gives it ${exposure} of 10`);
  });
});

describe("the image", () => {
  asRoot("has all that it needs, and serves as a user who owns nothing but its data", async () => {
    const root = folderOnDisk();
    chmodSync(root, 0o755);
    const lines = blockOf("dockerfile").split("\n");
    for (const line of lines.filter((each) => each.startsWith("COPY"))) {
      const words = line.split(" ").slice(1);
      const sources = words.filter((word) => !word.startsWith("--")).slice(0, -1);
      const target = words.at(-1)!;
      for (const source of sources) {
        const from = words.some((word) => word.startsWith("--from")) ? source : join(ROOT, source);
        const to = join(root, target.endsWith("/") ? join(target, basename(source)) : target);
        mkdirSync(join(to, ".."), { recursive: true });
        if (statSync(from).isDirectory()) mkdirSync(to);
        else copyFileSync(from, to);
        if (line.includes("--chown")) chownSync(to, 65532, 65532);
      }
    }
    const variables = /^ENV (.*)$/m.exec(blockOf("dockerfile"))![1]!.split(" ");
    const env = bareEnvironment({
      ...Object.fromEntries(variables.map((each) => each.split("=") as [string, string])),
      DUET_PORT: String(freePort()),
    });
    // What an engine mounts by itself.
    for (const place of ["proc", "dev"]) mkdirSync(join(root, place));
    const mounts = `mount --rbind /proc ${root}/proc && mount --bind /dev ${root}/dev`;
    const script = `${mounts} && exec chroot --userspec=65532:65532 ${root} "$@"`;
    const inside = ["unshare", "--mount", "sh", "-c", `PATH=/usr/sbin:$PATH; ${script}`, "sh"];
    await using server = await run([...inside, "/duet"], { env });
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
    const registered = await fetch(`${server.url}/api/auth/register`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ username: "alice", password: "tulips on the windowsill 4" }),
    });
    expect(registered.status).toBe(201);
    for (const words of [["healthcheck"], ["users", "list"], ["backup", "/data/backup.db"], ["check"]]) {
      const done = Bun.spawnSync([...inside, "/duet", ...words], { env });
      expect([words, done.exitCode, done.stderr.toString()]).toEqual([words, 0, ""]);
    }
  });
});

describe("the dashboard", () => {
  test("asks for nothing that is not measured", async () => {
    const token = "what prometheus says to be let in";
    await using t = await startApp({ ...UNLIMITED, DUET_METRICS_TOKEN: token });
    const alice = await register(t, "alice");
    await refresh(t, alice.refreshToken);
    await me(t, (await login(t, "alice")).accessToken);
    const answer = await t.fetch("/metrics", { headers: { authorization: `Bearer ${token}` } });
    // Measured by `duet serve` alone, which makes the backups.
    const measured = `${await answer.text()}\nduet_backup_age_seconds 1`;
    const { panels } = JSON.parse(readFileSync(join(ROOT, "src/cli/grafana.json"), "utf8"));
    const asked = panels.flatMap(({ targets }: any) => targets.map(({ expr }: any) => expr as string));
    expect(asked.length).toBeGreaterThan(12);
    for (const expr of asked) {
      const [name] = /(?:duet|process)_\w+/.exec(expr)!;
      expect([expr, measured.includes(`\n${name}`)]).toEqual([expr, true]);
      for (const [, label] of expr.matchAll(/by \((?:le, )?(\w+)\)/g))
        expect([expr, RegExp(`^${name}\\{[^}]*\\b${label}="`, "m").test(measured)]).toEqual([expr, true]);
    }
  });
});
