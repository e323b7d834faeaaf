import { test } from "bun:test";
import { createHash, X509Certificate } from "node:crypto";
import { createServer } from "node:https";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";
import { OPTIONS } from "./chromium.ts";
import { makeCertificate } from "./certificate.ts";

/** The shell has no Device Bound Session Credentials. */
export const fullChromiumPath =
  ["chromium", "chromium-browser", "google-chrome"].map((name) => Bun.which(name)).find(Boolean) ?? undefined;

/** Where there is none the test says that it was not run, and where browser tests are required that is a failure. */
export const testInWholeChromium: (name: string, work: () => Promise<unknown>) => void =
  fullChromiumPath || process.env["BROWSER_TESTS"] === "required"
    ? (name, work) => test(name, async () => void (await work()))
    : (name) => test.skip(`NOT RUN: no whole Chromium. Debian: apt-get install chromium: ${name}`, () => {});

/** By which a browser is told to trust it. */
function fingerprintOf(cert: string): string {
  const spki = new X509Certificate(cert).publicKey.export({ type: "spki", format: "der" });
  return createHash("sha256").update(spki).digest("base64");
}

export type SecureFront = AsyncDisposable & {
  url: string;
  fingerprint: string;
  /** Where requests go on to. */
  target: string;
  /** Answers of the next so many requests for this path are lost: done by the server, and the connection cut. */
  lose(path: string, count: number): void;
  /** How many were. */
  readonly lost: number;
};

/** A proxy with TLS on `port`, as one stands before Duet. */
export async function startSecureFront(port: number): Promise<SecureFront> {
  const tls = makeCertificate();
  const fingerprint = fingerprintOf(tls.cert);
  const losing = new Map<string, number>();
  let lost = 0;
  const server = createServer(tls, async (request, response) => {
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const headers = Object.entries(request.headers).flatMap(([name, value]) =>
        value === undefined || name === "connection" ? [] : [[name, String(value)] as [string, string]],
      );
      const answer = await fetch(front.target + request.url, {
        method: request.method!,
        headers,
        redirect: "manual",
        decompress: false,
        ...(chunks.length > 0 && { body: Buffer.concat(chunks) }),
      });
      const left = losing.get(request.url!) ?? 0;
      if (left > 0) {
        losing.set(request.url!, left - 1);
        lost++;
        await answer.arrayBuffer();
        return void request.socket.destroy();
      }
      const cookies = answer.headers.getSetCookie();
      response.writeHead(answer.status, {
        ...Object.fromEntries(answer.headers),
        ...(cookies.length > 0 && { "set-cookie": cookies }),
      });
      if (answer.body) for await (const chunk of answer.body) response.write(chunk);
      response.end();
    } catch {
      request.socket.destroy();
    }
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const front = {
    url: `https://localhost:${port}`,
    fingerprint,
    target: "",
    lose: (path: string, count: number) => void losing.set(path, count),
    get lost() {
      return lost;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return front;
}

/** A whole Chromium with keys in software, which binds sessions as one with a chip does. */
export const launchBinding = ({ fingerprint }: SecureFront): Promise<Browser> =>
  chromium.launch({
    ...OPTIONS,
    executablePath: fullChromiumPath!,
    args: [
      ...OPTIONS.args,
      // More than six signatures in nine minutes are refused otherwise.
      "--enable-features=DeviceBoundSessions:RefreshQuota/false,EnableBoundSessionCredentialsSoftwareKeysForManualTesting",
      `--ignore-certificate-errors-spki-list=${fingerprint}`,
    ],
  });

type BindingEvent = {
  succeeded: boolean;
  creationEventDetails?: { fetchResult: string };
  refreshEventDetails?: { refreshResult: string; fetchResult?: string };
  terminationEventDetails?: { deletionReason: string };
};

/** What Chromium says of its bound sessions, through its developer tools. */
export async function watchBindings(context: BrowserContext, page: Page) {
  const events: BindingEvent[] = [];
  const waiting: (() => void)[] = [];
  const session = (await context.newCDPSession(page)) as unknown as {
    on(event: string, listener: (event: BindingEvent) => void): void;
    send(method: string, parameters?: object): Promise<void>;
  };
  session.on("Network.deviceBoundSessionEventOccurred", (event) => {
    events.push(event);
    for (const look of waiting) look();
  });
  await session.send("Network.enable");
  await session.send("Network.enableDeviceBoundSessions", { enable: true });
  const seen = (isIt: (event: BindingEvent) => boolean) =>
    new Promise<BindingEvent>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`not seen: ${JSON.stringify(events)}`)), 15_000);
      const look = () => {
        const event = events.find(isIt);
        if (!event) return;
        clearTimeout(timer);
        resolve(event);
      };
      waiting.push(look);
      look();
    });
  return { events, seen };
}
