/**
 * Shares work out between all who read: so many looks in one turn of the event loop, whoever takes them, and then
 * everything else has its turn. Who waits is served one user after the other, however many streams each has.
 */
export function createTurns(perTurn: number) {
  let left = perTurn;
  let isScheduled = false;
  /** By user, in the order in which they are served. */
  const waiting = new Map<string, (() => void)[]>();

  function schedule() {
    if (isScheduled) return;
    isScheduled = true;
    setImmediate(() => {
      isScheduled = false;
      left = perTurn;
      while (left > 0 && waiting.size > 0) {
        const [userId, all] = waiting.entries().next().value!;
        waiting.delete(userId);
        left--;
        all.shift()!();
        // To the end of the line.
        if (all.length > 0) waiting.set(userId, all);
      }
      if (waiting.size > 0) schedule();
    });
  }

  /** Resolves when it is this user's turn for one look. */
  return async function take(userId: string): Promise<void> {
    schedule();
    if (left > 0 && waiting.size === 0) {
      left--;
      return;
    }
    await new Promise<void>((resolve) => {
      const own = waiting.get(userId) ?? [];
      own.push(resolve);
      waiting.set(userId, own);
    });
  };
}
