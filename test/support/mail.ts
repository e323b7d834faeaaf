import PostalMime, { type Email } from "postal-mime";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";

/** A mail server that is not there: its letters wait. */
export const MAIL_TO_NOWHERE = {
  DUET_SMTP_URL: "smtp://127.0.0.1:1",
  DUET_MAIL_FROM: "duet@example.com",
};

/** A mail server on loopback, which takes, refuses or hangs as it is told. */
export async function mailServer(options: SMTPServerOptions = {}, at = 0) {
  const taken: (Email & { for: string[]; raw: string })[] = [];
  const waiting: (() => void)[] = [];
  let refuse: ((recipient: string) => { code: number } | undefined) | undefined;
  let attempts = 0;
  const server = new SMTPServer({
    disabledCommands: ["STARTTLS"],
    authOptional: true,
    closeTimeout: 100,
    logger: false,
    onRcptTo({ address }, _, done) {
      attempts++;
      const refusal = refuse?.(address);
      done(refusal && Object.assign(new Error("refused by the test"), { responseCode: refusal.code }));
    },
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", async () => {
        const raw = Buffer.concat(chunks).toString();
        const parsed = await PostalMime.parse(raw);
        taken.push({ ...parsed, for: session.envelope.rcptTo.map(({ address }) => address), raw });
        done();
        for (const wake of waiting.splice(0)) wake();
      });
    },
    ...options,
  });
  server.on("error", () => undefined);
  const listen = (port = 0) => new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  await listen(at);
  const { port } = server.server.address() as { port: number };
  return {
    port,
    url: `smtp://127.0.0.1:${port}`,
    taken,
    attempts: () => attempts,
    refuseWith: (rule: typeof refuse) => (refuse = rule),
    /** The n-th letter, from 1 on; waits for it. */
    async letter(n: number): Promise<(typeof taken)[number]> {
      while (taken.length < n) {
        const { promise, resolve } = Promise.withResolvers<void>();
        waiting.push(resolve);
        await promise;
      }
      return taken[n - 1]!;
    },
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

/** The link in a letter, which is in both of its forms. */
export function linkIn({ text, html }: Pick<Email, "text" | "html">): URL {
  const [link] = /https?:\/\/\S+/.exec(text!)!;
  if (!html!.includes(`href="${link.replaceAll("&", "&amp;")}"`)) throw new Error("the two forms differ");
  return new URL(link);
}

export const tokenIn = (letter: Pick<Email, "text" | "html">): string =>
  linkIn(letter).searchParams.get("token")!;
