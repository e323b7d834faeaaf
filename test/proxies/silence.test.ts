import { expect, test } from "bun:test";
import { signUp, streamsOf } from "./checks.ts";
import { KINDS } from "./kinds.ts";
import { isThere, startProxied, type Kind } from "./proxy.ts";

/** A stream of each kind in each protocol, until Duet has said nothing for so long that it says so. */
async function outlastSilence(kind: Kind): Promise<void> {
  await using t = await startProxied(kind);
  const streams = [t.overHttp1(), t.overHttp2()].map(async ({ ask, name }) => {
    const { access_token } = await signUp(ask, `ivan${name.at(-1)}`);
    for (const stream of await streamsOf(ask, access_token)) {
      const told = [await stream.nextOfAny(), await stream.nextOfAny()];
      expect([kind.program, name, ...told.map((each) => each?.event)]).toEqual([
        kind.program,
        name,
        "ready",
        "heartbeat",
      ]);
    }
  });
  await Promise.all(streams);
}

const there = KINDS.filter(isThere);

// All at once, since it takes as long as the silence does.
test.skipIf(there.length === 0)("a stream stays open while nothing happens", async () => {
  await Promise.all(there.map(outlastSilence));
});
