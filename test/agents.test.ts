import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { folderOnDisk, temporaryFolder } from "./support/app.ts";
import { decode, PASSWORDS } from "./support/people.ts";
import { BINARY, ROOT, run } from "./support/process.ts";

/** What each process does: gets tokens and uses them, a few times, when it likes. */
const WORK = `
const asks = [];
for (let n = 0; n < 5; n++) {
  const token = await accessToken();
  const { status } = await fetch(duet + "/api/auth/me", { headers: { authorization: "Bearer " + token } });
  asks.push(status + " " + generation(inFile()));
  await Bun.sleep(Math.random() * 400);
}
console.log(JSON.stringify(asks));
`;

test("the lines for agents keep sixteen processes with one credential file signed in, on one line of tokens", async () => {
  const page = readFileSync(join(ROOT, "src/api/agents.md"), "utf8");
  const code = /```ts\n([^]*?)```/.exec(page)![1]!;
  // As promised: twenty lines, and what they import.
  expect(code.trim().split("\n").length).toBeLessThanOrEqual(26);
  await using server = await run([
    BINARY,
    "--port",
    "0",
    "--data",
    temporaryFolder(),
    "--program-overlap",
    "1s",
  ]);
  const folder = folderOnDisk();
  const registered = await fetch(`${server.url}/api/auth/register`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ username: "alice", password: PASSWORDS["alice"] }),
  });
  const { refresh_token } = (await registered.json()) as { refresh_token: string };
  writeFileSync(join(folder, "credentials.json"), JSON.stringify({ refresh_token }));
  writeFileSync(join(folder, "agent.ts"), code.replace("http://localhost:3000", server.url) + WORK);
  const agents = Array.from({ length: 16 }, () =>
    Bun.spawn([process.execPath, "agent.ts"], { cwd: folder, stdout: "pipe", stderr: "pipe" }),
  );
  const said = await Promise.all(
    agents.map(
      async ({ stdout, stderr }) =>
        (await new Response(stdout).text()) || (await new Response(stderr).text()),
    ),
  );
  const asks = said.flatMap((text) => JSON.parse(text) as string[]);
  expect(asks).toHaveLength(80);
  expect(asks.filter((ask) => !ask.startsWith("200 "))).toEqual([]);
  const newest = JSON.parse(readFileSync(join(folder, "credentials.json"), "utf8")).refresh_token as string;
  expect(decode(newest).claims.gen).toBeGreaterThan(1);
});
