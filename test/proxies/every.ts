import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import * as checks from "./checks.ts";
import type { Client } from "./client.ts";
import { isThere, startProxied, type Kind, type Proxied } from "./proxy.ts";
import { checkKill, checkRestart, connectionsTo } from "./restarts.ts";

export type Started = { t: Proxied; clients: Client[] };

/** What every proxy is asked. */
export function describeProxy(kind: Kind, more?: (started: () => Started) => void): void {
  describe.skipIf(!isThere(kind))(`${kind.program} as the reference has it`, () => {
    let t: Proxied;
    let clients: Client[];
    beforeAll(async () => {
      t = await startProxied(kind);
      clients = [t.overHttp1(), t.overHttp2()];
    });
    // Undefined where it did not start.
    afterAll(() => t?.[Symbol.asyncDispose]());

    const each = async (check: (client: Client) => Promise<void>) => {
      for (const client of clients) await check(client);
    };

    test("keeps no connection to Duet, so that none is met that Duet has closed", async () => {
      await each(async ({ ask }) => expect((await ask("/healthz")).status).toBe(200));
      await connectionsTo(t.duetPort, 0);
    });
    test("asks nothing twice that Duet may have done", () => each((client) => checkKill(t, client, kind)));
    test("is there when Duet is, after a restart", () => each((client) => checkRestart(t, client, kind)));
    test("hands events on as they come", () => each(checks.checkStreams));
    test("carries a form through a refresh", () => each(checks.checkReplay));
    test("says that a body is too large, and goes on", () =>
      each((client) => checks.checkLargeBodies(client, kind)));
    test("tells Duet whose address it is, whatever a client writes", async () => {
      await each(checks.checkAddress);
      await checks.checkAddressRaw(t);
    });
    more?.(() => ({ t, clients }));
  });
}
