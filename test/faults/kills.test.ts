import { describe, expect, test } from "bun:test";
import { killedSignIns } from "./kills.ts";
import { standstill } from "./loads.ts";

describe("a server that is killed (F-2)", () => {
  test("while people register and sign in, has them whole or not at all", async () => {
    expect((await killedSignIns(8)).faults).toEqual([]);
  });
});

describe("a server that is stopped for longer than its tokens live (F-19)", () => {
  test.skipIf(process.platform !== "linux")("signs nobody out", async () => {
    expect((await standstill(3)).faults).toEqual([]);
  });
});
