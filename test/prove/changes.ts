import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { explore, type Property, type Rule, type Setup } from "./model.ts";

/** A change of the rule that a tired hand could make, by its text, and what it breaks. */
type Change = { what: string; from: string; to: string; breaks: Property };

export const CHANGES: Change[] = [
  { what: "the overlap ends a moment early", from: "<= overlap.ms)", to: "< overlap.ms)", breaks: "a" },
  { what: "the overlap never ends", from: "<= overlap.ms)", to: "<= overlap.ms + 1)", breaks: "b" },
  { what: "the strict rule has an overlap", from: "overlap.ms > 0 &&", to: "true &&", breaks: "b" },
  {
    what: "a clock that went back keeps it open",
    from: "Math.abs(now - usedAt)",
    to: "now - usedAt",
    breaks: "b",
  },
  { what: "a clock that was set is believed", from: "overlap.isUntimed ||", to: "false ||", breaks: "a" },
  {
    what: "only the parent of the newest has an overlap",
    from: 'isRecent(session.previous_confirmed_at) ? { kind: "overlap" } : dead',
    to: "dead",
    breaks: "a",
  },
  {
    what: "the newest always steps, whoever is behind",
    from: "generation > 2 && isRecent(session.previous_confirmed_at)",
    to: "false",
    breaks: "a",
  },
  { what: "the third generation steps too early", from: "generation > 2", to: "generation > 3", breaks: "a" },
  {
    what: "a lost answer is theft",
    from: 'if (session.confirmed_at === null) return { kind: "unconfirmed" };',
    to: "",
    breaks: "a",
  },
  {
    what: "the parent of the newest never dies",
    from: 'isRecent(session.confirmed_at) ? { kind: "overlap" } : dead',
    to: '{ kind: "overlap" }',
    breaks: "b",
  },
  {
    what: "what lies far back is answered",
    from: '{ kind: "unknown" } : dead',
    to: '{ kind: "unknown" } : { kind: "overlap" }',
    breaks: "b",
  },
  {
    what: "an old token makes a successor of its own",
    from: 'return isRecent(session.confirmed_at) ? { kind: "overlap" }',
    to: 'return isRecent(session.confirmed_at) ? { kind: "newest" }',
    breaks: "c",
  },
  {
    what: "a session that is over is not looked at",
    from: 'if (reason) return { kind: "ended", reason };',
    to: "",
    breaks: "d",
  },
  {
    what: "the key is not asked for",
    from: 'if (key !== session.key_thumbprint) return { kind: "unproven" };',
    to: "",
    breaks: "e",
  },
  {
    what: "whoever has the key may still be late",
    from: 'overlap.isEndless ? "bound" : "reuse"',
    to: '"reuse"',
    breaks: "e",
  },
  {
    what: "a step forgets the first use before it",
    from: "previous_confirmed_at: confirmed_at ?? now",
    to: "previous_confirmed_at: null",
    breaks: "a",
  },
  {
    what: "any key opens what a key holds",
    from: "if (key !== session.key_thumbprint)",
    to: "if ((key === null) !== (session.key_thumbprint === null))",
    breaks: "e",
  },
  {
    what: "it stops rotating after a while",
    from: "case 0:",
    to: 'case 0:\n      if (generation >= 3) return { kind: "kept" };',
    breaks: "f",
  },
  {
    what: "a database that was put back ends sessions",
    from: '{ kind: "unknown" } : dead',
    to: "dead : dead",
    breaks: "g",
  },
];

const SOURCE = new URL("../../src/core/auth/rotation.ts", import.meta.url).pathname;

/** The real rule with one change. Throws where its text is not in the source any more. */
async function changed({ what, from, to }: Change): Promise<Rule> {
  const source = readFileSync(SOURCE, "utf8");
  if (!source.includes(from)) throw new Error(`nothing to change: ${what}`);
  const folder = mkdtempSync(join(tmpdir(), "duet-rule-"));
  try {
    // What it imports are types.
    writeFileSync(
      join(folder, "rotation.ts"),
      source.replace(from, () => to),
    );
    return await import(join(folder, "rotation.ts"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The shortest way to what a change breaks, in any of the setups; undefined where none of them shows it. */
export async function find(change: Change, setups: Setup[]): Promise<string[] | undefined> {
  const rule = await changed(change);
  for (const setup of setups) {
    const way = explore(setup, rule, change.breaks).broken[change.breaks];
    if (way) return way;
  }
  return undefined;
}
