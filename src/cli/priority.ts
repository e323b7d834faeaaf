import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism, setPriority } from "node:os";

const THREADS = "/proc/self/task";
/** Nice levels below the thread that answers. */
const LOWER = 7;

/**
 * Has the threads that hash give way to the one that answers: Linux gives each thread a priority of its own, and the number
 * of a thread does where that of a process is asked for. Elsewhere nothing happens. Effect: all of Bun's pool is started.
 */
export async function putHashingLast(): Promise<void> {
  const quick = { algorithm: "argon2id", memoryCost: 8, timeCost: 1 } as const;
  try {
    await Promise.all(
      Array.from({ length: availableParallelism() * 2 }, () => Bun.password.hash("-", quick)),
    );
    for (const thread of readdirSync(THREADS))
      if (readFileSync(`${THREADS}/${thread}/comm`, "utf8").startsWith("Bun Pool"))
        setPriority(Number(thread), LOWER);
  } catch {
    // Another system, or one that does not allow it: they share the processors as equals.
  }
}
