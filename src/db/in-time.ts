import { DuetError } from "../errors.ts";
import { LIMITS } from "../limits.ts";

/**
 * Nobody waits for ever for an answer that is lost on the way. What began too late to be answered asks `assertWanted`, and
 * is not done any more: whoever was told that it could not be done may have tried again. Error code: `unavailable`.
 */
export async function inTime<T>(
  work: (assertWanted: () => void) => Promise<T>,
  onLate = () => {},
): Promise<T> {
  const late = new DuetError("unavailable", { cause: "the database did not answer", retryAfterSeconds: 1 });
  let isLate = false;
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    isLate = true;
    reject(late);
    onLate();
  }, LIMITS.databaseWaitMs + 1000);
  const assertWanted = () => {
    if (isLate) throw late;
  };
  try {
    return await Promise.race([work(assertWanted), promise]);
  } finally {
    clearTimeout(timer);
  }
}
