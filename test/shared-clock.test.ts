import { describe, expect, setSystemTime, test } from "bun:test";
import { createSharedClock } from "../src/db/shared-clock.ts";

describe("the clock that processes share", () => {
  const START = Date.UTC(2026, 10, 26);

  function machine(aheadMs: number) {
    let ms = 0;
    const clock = createSharedClock(() => ms);
    setSystemTime(START + aheadMs);
    return {
      clock,
      wait(by: number) {
        ms += by;
        setSystemTime(Date.now() + by);
      },
      /** Asks the database, whose clock is right, with so long a way there and back. */
      ask(there: number, back: number) {
        const sentAt = ms;
        this.wait(there);
        const time = START + ms;
        this.wait(back);
        clock.note(time, sentAt);
      },
      truth: () => START + ms,
    };
  }

  test("is the database's, whatever this machine's says, and however it is set", () => {
    const m = machine(7000);
    expect(m.clock.now()).toBe(START + 7000);
    m.ask(2, 2);
    expect([m.clock.now() - m.truth(), m.clock.off()]).toEqual([0, 7000]);
    setSystemTime(START - 86_400_000);
    m.wait(5000);
    expect(m.clock.now() - m.truth()).toBe(0);
    expect(m.clock.off()).toBeGreaterThan(86_000_000);
  });

  test("believes a quick answer before a slow one, for a while, and what contradicts it at once", () => {
    const m = machine(0);
    m.ask(1, 1);
    m.ask(0, 400);
    expect(m.clock.now() - m.truth()).toBe(0);
    m.wait(61_000);
    m.ask(0, 40);
    expect(Math.abs(m.clock.now() - m.truth())).toBeLessThanOrEqual(20);
    // A machine that slept: its monotonic clock stood still.
    const slept = machine(0);
    slept.ask(1, 1);
    slept.clock.note(slept.truth() + 3_600_000, 2);
    expect(slept.clock.now() - slept.truth()).toBe(3_600_000);
  });
});
