import { expect, test } from "bun:test";
import { describeProxy } from "./every.ts";
import { NGINX } from "./kinds.ts";
import { testService } from "./service.ts";
import { checkCut, checkHost } from "./restarts.ts";

describeProxy(NGINX, (started) => {
  test("hands on no cut answer as a whole one", async () => {
    const { t, clients } = started();
    for (const client of clients) await checkCut(t, client);
  });
  test("tells Duet which host was asked for", async () => {
    const { t, clients } = started();
    await checkHost(t, clients[0]!);
  });
  testService(started);
  test("keeps to itself how it asks", async () => {
    for (const { ask } of started().clients) expect((await ask("/duet-verify")).status).toBe(404);
  });
});
