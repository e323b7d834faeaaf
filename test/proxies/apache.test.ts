import { test } from "bun:test";
import { describeProxy } from "./every.ts";
import { APACHE } from "./kinds.ts";
import { checkHost } from "./restarts.ts";

describeProxy(APACHE, (started) => {
  test("tells Duet which host was asked for", async () => {
    const { t, clients } = started();
    await checkHost(t, clients[0]!);
  });
});
