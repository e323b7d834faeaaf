import type { Forms } from "../core/forms.ts";
import { LIMITS } from "../limits.ts";
import { readBytes } from "./body.ts";
import { openAnswer, sealAnswer, type Kept } from "./kept.ts";

type Work = (request: Request) => Promise<Response>;

const KEPT_MAX = 1000;

/**
 * A form that is submitted twice is done once: the address it is sent to has a key of the page's own (`?once=`), and the
 * same key with the same fields gets the first one's answer, while that is under way and after. What was refused, or is
 * sent elsewhere with its body (307), may be tried again. Kept in this process, for a minute, and where there are others
 * in the database, sealed by what was sent. Programs have `Idempotency-Key`.
 */
export function createOnce(forms: Forms) {
  const kept = new Map<string, Promise<Kept | null>>();

  return (request: Request, work: Work): Promise<Response> =>
    request.method === "POST" && request.url.includes("once=") ? doOnce(request, work) : work(request);

  async function doOnce(request: Request, work: Work): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const key = searchParams.get("once");
    if (!key || /^\/(?:api|oauth)\//.test(pathname)) return work(request);
    const body = await readBytes(request);
    const hashOf = (what: string) =>
      new Bun.CryptoHasher("sha256")
        // A script's answer is no page's.
        .update(`${what}\n${pathname}\n${key}\n${request.headers.get("hx-request")}\n`)
        .update(body)
        .digest();
    const id = hashOf("form").toString("base64url");
    // Where the first one was refused, one of those that waited for it is the first now.
    for (let first; (first = kept.get(id));) {
      const answer = await first;
      if (answer) return new Response(answer.body, answer);
    }
    const { promise, resolve } = Promise.withResolvers<Kept | null>();
    kept.set(id, promise);
    if (kept.size > KEPT_MAX) kept.delete(kept.keys().next().value!);
    let answer: Kept | null = null;
    try {
      const again = new Request(request, { method: "POST", body });
      const done = forms.isNeeded
        ? await doAmongOthers(id, hashOf("answer"), () => work(again))
        : await keepable(await work(again));
      if (done instanceof Response) return done;
      answer = done;
      setTimeout(() => kept.delete(id), LIMITS.formKeepMs).unref();
      return new Response(answer.body, answer);
    } finally {
      if (!answer) kept.delete(id);
      resolve(answer);
    }
  }

  /** By this process, or by another that was first. */
  async function doAmongOthers(id: string, secret: Uint8Array, work: () => Promise<Response>) {
    const elsewhere = await forms.claim(id);
    if (elsewhere !== null) return openAnswer(elsewhere, secret);
    let sealed: string | null = null;
    try {
      const done = await keepable(await work());
      if (!(done instanceof Response)) sealed = await sealAnswer(done, secret);
      return done;
    } finally {
      // What cannot be settled now is given up by those who wait for it.
      await forms.settle(id, sealed).catch(() => {});
    }
  }
}

/** The answer, to be given again; or the response where another try may end otherwise. */
async function keepable(response: Response): Promise<Kept | Response> {
  if (response.status >= 400 || response.status === 307) return response;
  const { status, headers } = response;
  return { status, headers: [...headers], body: await response.arrayBuffer() };
}
