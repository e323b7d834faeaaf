import { readBytes } from "./body.ts";

type Kept = { status: number; headers: [string, string][]; body: ArrayBuffer };

type Work = (request: Request) => Promise<Response>;

const KEPT_MAX = 1000;
const KEPT_MS = 60_000;

/**
 * A form that is submitted twice is done once: the address it is sent to has a key of the page's own (`?once=`), and the
 * same key with the same fields gets the first one's answer, while that is under way and after. What was refused, or is
 * sent elsewhere with its body (307), may be tried again. Kept in this process, for a minute. Programs have
 * `Idempotency-Key`.
 */
export function createOnce() {
  const kept = new Map<string, Promise<Kept | null>>();

  return (request: Request, work: Work): Promise<Response> =>
    request.method === "POST" && request.url.includes("once=") ? doOnce(request, work) : work(request);

  async function doOnce(request: Request, work: Work): Promise<Response> {
    const { headers } = request;
    const { pathname, searchParams } = new URL(request.url);
    const key = searchParams.get("once");
    if (!key || /^\/(?:api|oauth)\//.test(pathname)) return work(request);
    const body = await readBytes(request);
    const id = new Bun.CryptoHasher("sha256")
      // A script's answer is no page's.
      .update(`${pathname}\n${key}\n${headers.get("hx-request")}\n`)
      .update(body)
      .digest("base64url");
    // Where the first one was refused, one of those that waited for it is the first now.
    for (let first; (first = kept.get(id));) {
      const answer = await first;
      if (answer) return new Response(answer.body, answer);
    }
    const { promise, resolve } = Promise.withResolvers<Kept | null>();
    kept.set(id, promise);
    if (kept.size > KEPT_MAX) kept.delete(kept.keys().next().value!);
    let isDone = false;
    try {
      const response = await work(new Request(request, { method: "POST", body }));
      if (response.status >= 400 || response.status === 307) return response;
      const answer = {
        status: response.status,
        headers: [...response.headers],
        body: await response.arrayBuffer(),
      };
      isDone = true;
      setTimeout(() => kept.delete(id), KEPT_MS).unref();
      resolve(answer);
      return new Response(answer.body, answer);
    } finally {
      if (!isDone) kept.delete(id);
      resolve(null);
    }
  }
}
