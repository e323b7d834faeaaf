import type { Progress } from "../core/chat/transfer.ts";

const WIDTH = 30;
const EVERY_MS = 100;

/** A bar on standard error, where a person looks at it. */
export function progressBar(): { show: Progress; end(): void } {
  let shownAt = Number.NEGATIVE_INFINITY;
  const isSeen = process.stderr.isTTY;
  return {
    show(done, of, table) {
      if (!isSeen || performance.now() - shownAt < EVERY_MS) return;
      shownAt = performance.now();
      const share = of === 0 ? 1 : done / of;
      const bar = "#".repeat(Math.round(share * WIDTH)).padEnd(WIDTH, ".");
      process.stderr.write(`\r[${bar}] ${Math.floor(share * 100)} % ${table.padEnd(20)}`);
    },
    end: () => void (isSeen && process.stderr.write(`\r${" ".repeat(WIDTH + 30)}\r`)),
  };
}
