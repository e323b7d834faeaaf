import { parseArgs } from "node:util";
import { join } from "node:path";

// `bun run bench`: ratios within one run, in about a minute. `--rows 2500,1m,10m` has the table of growth (minutes for the
// last), `--streams` ten thousand open streams, `--message` two browsers, `--peers` other servers, fetched from npm, `--flat` the memory
// over ten million requests, `--size` what each dependency adds, `--database postgres` one, two and four processes on one database.

const { values } = parseArgs({
  options: {
    rows: { type: "string" },
    streams: { type: "boolean" },
    message: { type: "boolean" },
    peers: { type: "boolean" },
    flat: { type: "boolean" },
    size: { type: "boolean" },
    database: { type: "string" },
  },
});

async function bench(name: string, ...args: string[]) {
  const child = Bun.spawn(["bun", join(import.meta.dir, `${name}.ts`), ...args], { stdout: "inherit" });
  if ((await child.exited) !== 0) process.exit(1);
}

const rowsOf = (text: string) => text.replace(/k$/i, "000").replace(/m$/i, "000000");

if (values.rows) await bench("growth", ...values.rows.split(",").map(rowsOf));
if (values.streams) await bench("streams");
if (values.message) await bench("message");
if (values.peers) await bench("peers");
if (values.flat) await bench("flat");
if (values.size) await bench("size");
if (values.database === "postgres") await bench("postgres");
if (Object.keys(values).length === 0)
  for (const name of ["hot", "refresh", "login", "start"]) await bench(name);
