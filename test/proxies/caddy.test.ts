import { expect, test } from "bun:test";
import { sendLarge } from "./checks.ts";
import { describeProxy } from "./every.ts";
import { CADDY } from "./kinds.ts";
import { testService } from "./service.ts";

describeProxy(CADDY, (started) => {
  test("refuses a body without a length, whatever it meets first: the refusal or a closed connection", async () => {
    const { ask } = started().clients.find(({ name }) => name === "HTTP/2")!;
    for (let left = 10; left > 0; left--) expect(await sendLarge(ask, 5_000_000, true)).toBe(413);
  });
  testService(started);
});
