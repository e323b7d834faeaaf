import { expect, test } from "bun:test";
import { describeProxy } from "./checks.ts";
import { NGINX } from "./kinds.ts";
import { testService } from "./service.ts";

describeProxy(NGINX, (started) => {
  testService(started);
  test("keeps to itself how it asks", async () => {
    for (const { ask } of started().clients) expect((await ask("/duet-verify")).status).toBe(404);
  });
});
