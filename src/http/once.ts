import type { Forms } from "../core/forms.ts";
import { LIMITS } from "../limits.ts";
import { readBytes } from "./body.ts";
import { openAnswer, sealAnswer, type Kept } from "./kept.ts";

type Work = (request: Request) => Promise<Response>;

const KEPT_MAX = 1000;
const KEPT_BYTES_MAX = 8 * 1024 * 1024;
/** What an answer costs besides its body. */
const ENTRY_BYTES = 2048;
const SWEEP_MS = 5000;

type Entry = { answer: Promise<Kept | null>; bytes: number; until: number };

/**
 * A form that is submitted twice is done once: the address it is sent to has a key of the page's own (`?once=`), and the
 * same key with the same fields gets the first one's answer, while that is under way and after. What was refused, or is
 * sent elsewhere with its body (307), may be tried again. Kept in this process, for a minute, and where there are others
 * in the database, sealed by what was sent. Programs have `Idempotency-Key`.
 */
export function createOnce(forms: Forms, accessTokenOf: (request: Request) => string | undefined) {
  /** The oldest first. What was sent is in none of them. */
  const kept = new Map<string, Entry>();
  let bytes = 0;

  function forget(id: string): void {
    bytes -= kept.get(id)?.bytes ?? 0;
    kept.delete(id);
  }

  /** Also where there are too many, or too much. */
  function sweep(): void {
    const now = performance.now();
    for (const [id, { until }] of kept)
      if (until < now || kept.size > KEPT_MAX || bytes > KEPT_BYTES_MAX) forget(id);
      else break;
  }
  setInterval(sweep, SWEEP_MS).unref();

  function keep(id: string, answer: Promise<Kept | null>): Entry {
    const entry = { answer, bytes: 0, until: performance.now() + LIMITS.formKeepMs };
    kept.set(id, entry);
    sweep();
    return entry;
  }

  function settle(id: string, entry: Entry, answer: Kept | null): void {
    // It was forgotten meanwhile; what is there now is another's.
    if (kept.get(id) !== entry) return;
    if (!answer) return forget(id);
    entry.bytes = answer.body.byteLength + ENTRY_BYTES;
    bytes += entry.bytes;
    sweep();
  }

  return (request: Request, work: Work): Promise<Response> =>
    request.method === "POST" && request.url.includes("once=") ? doOnce(request, work) : work(request);

  async function doOnce(request: Request, work: Work): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const key = searchParams.get("once");
    if (!key || /^\/(?:api|oauth)\//.test(pathname)) return work(request);
    const body = await readBytes(request);
    const holder = /^\/(?:account|admin)\/|\/invites$/.test(pathname) ? (accessTokenOf(request) ?? "") : "";
    const hashOf = (what: string) =>
      new Bun.CryptoHasher("sha256")
        // A script's answer is no page's, and what an account is told is its holder's alone: the address stands in logs.
        .update(`${what}\n${pathname}\n${key}\n${request.headers.get("hx-request")}\n${holder}\n`)
        .update(body)
        .digest();
    const id = hashOf("form").toString("base64url");
    // Where the first one was refused, one of those that waited for it is the first now.
    for (let first; (first = kept.get(id));) {
      const answer = await first.answer;
      if (answer) return new Response(answer.body, answer);
    }
    const { promise, resolve } = Promise.withResolvers<Kept | null>();
    const entry = keep(id, promise);
    let answer: Kept | null = null;
    try {
      const again = new Request(request, { method: "POST", body });
      const done = forms.isNeeded
        ? await doAmongOthers(id, hashOf("answer"), () => work(again))
        : await keepable(await work(again));
      if (done instanceof Response) return done;
      answer = done;
      return new Response(answer.body, answer);
    } finally {
      settle(id, entry, answer);
      resolve(answer);
    }
  }

  /** By this process, or by another that was first. */
  async function doAmongOthers(id: string, secret: Uint8Array, work: () => Promise<Response>) {
    const claimed = await forms.claim(id);
    if ("sealedAnswer" in claimed) return openAnswer(claimed.sealedAnswer, secret);
    let sealed: string | null = null;
    try {
      const done = await keepable(await work());
      if (!(done instanceof Response)) sealed = await sealAnswer(done, secret);
      return done;
    } finally {
      // What cannot be settled now is given up by those who wait for it.
      await forms.settle(id, claimed.claim, sealed).catch(() => {});
    }
  }
}

/** The answer, to be given again; or the response where another try may end otherwise. */
async function keepable(response: Response): Promise<Kept | Response> {
  if (response.status >= 400 || response.status === 307) return response;
  const { status, headers } = response;
  return { status, headers: [...headers], body: await response.arrayBuffer() };
}
