import type { Config } from "../config.ts";
import type { Duet } from "../duet.ts";
import { readArchive, sizeOfArchive } from "../db/archive.ts";
import { DuetError, StartError } from "../errors.ts";
import { describe, describeField } from "../locales/index.ts";
import { beside } from "./beside.ts";
import { progressBar } from "./progress.ts";

const AT_ONCE = 100;
const FAULTS_TOLD = 20;

type Person = Parameters<Duet["operator"]["adopt"]>[0][number];

/**
 * `duet users import FILE`: accounts of another system, a JSON object in each line: `username`, `password_hash`, and `email` and
 * `created_at` (RFC 3339) if there are any. What cannot be taken is told by its line, and everything else is; so it may be
 * given again.
 */
export async function adopt(file: string, config: Config): Promise<void> {
  const bar = progressBar();
  const whole = sizeOfArchive(file);
  let [read, line, made, refused] = [0, 0, 0, 0];

  await beside(config, async ({ operator }) => {
    const tell = (at: number, why: string) => {
      if (++refused <= FAULTS_TOLD) console.error(`duet: line ${at}: ${why}`);
    };
    let waiting: { line: number; person: Person }[] = [];

    /** All of them at once, else one by one, so that each fault is told of its own line. */
    async function flush() {
      const batch = waiting;
      waiting = [];
      try {
        await operator.adopt(batch.map(({ person }) => person));
        made += batch.length;
      } catch (error) {
        if (!(error instanceof DuetError) || error.status >= 500) throw error;
        for (const each of batch)
          await operator.adopt([each.person]).then(
            () => made++,
            (cause: unknown) => tell(each.line, whyOf(cause)),
          );
      }
    }

    try {
      for await (const text of readArchive(file)) {
        line++;
        read += Buffer.byteLength(text) + 1;
        if (text.trim() === "") continue;
        const person = personIn(text);
        if (typeof person === "string") tell(line, person);
        else waiting.push({ line, person });
        if (waiting.length === AT_ONCE) await flush();
        bar.show(read, whole, "accounts");
      }
      await flush();
    } finally {
      bar.end();
    }
  });
  console.log(`${made} accounts were made`);
  if (refused > 0) throw new StartError(`${refused} lines were not taken`);
}

/** A person, or what is wrong with a line. Never a word of what stands in it: there are hashes. */
function personIn(text: string): Person | string {
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(text);
  } catch {
    return "is no JSON";
  }
  const { username, email, password_hash: passwordHash, created_at: created } = value ?? {};
  if (typeof username !== "string") return "has no username";
  if (typeof passwordHash !== "string") return "has no password_hash";
  if (email !== undefined && email !== null && typeof email !== "string") return "email is no text";
  const createdAt = typeof created === "string" ? Date.parse(created) : undefined;
  if (created !== undefined && !Number.isSafeInteger(createdAt)) return "created_at is no time";
  return {
    username,
    passwordHash,
    ...(email !== undefined && { email: email as string | null }),
    ...(createdAt !== undefined && { createdAt }),
  };
}

function whyOf(error: unknown): string {
  if (!(error instanceof DuetError) || error.status >= 500) throw error;
  const fields = error.details.fields?.map((field) => `${field.field}: ${describeField("en", field)}`);
  return fields?.join("; ") ?? describe("en", error).detail;
}
