import { describe, expect, test } from "bun:test";
import { aborts, closedOutput, cutAnswers, fullLog, stoppedReader } from "./clients.ts";
import type { Outcome } from "./recipe.ts";

const holds = async (outcome: Promise<Outcome>) => expect((await outcome).faults).toEqual([]);
const onLinux = test.skipIf(process.platform !== "linux");

describe("clients that go in the middle (F-22)", () => {
  onLinux("leave nothing in part, no stream, no memory", () => holds(aborts(100)));
});

describe("answers that are cut on their way (F-23)", () => {
  test("are answered again: one message, one successor", () => holds(cutAnswers(20)));
});

describe("a log that cannot be written (F-25)", () => {
  onLinux("because its reader has gone", () => holds(closedOutput()));
  onLinux("because its disk is full", () => holds(fullLog()));
  onLinux("because its reader reads nothing", () => holds(stoppedReader(2000)));
});
