/**
 * A client of Duet to copy: signs in, asks, and refreshes by itself when it is told to, never by a clock. However many requests find
 * the access token expired, one refresh is made, and each is asked again once. What `keep` was given last is what `pair`
 * begins with after a restart.
 */
export type Pair = { access_token: string; refresh_token: string };

/** RFC 9457: what Duet refuses with, and a network that fails as `code: "unreachable"`. */
export class Refused extends Error {
  readonly status: number;
  readonly code: string;
  readonly problem: Record<string, unknown>;

  constructor(status: number, code: string, problem: Record<string, unknown>) {
    super(`${code}: ${String(problem["detail"] ?? status)}`);
    this.status = status;
    this.code = code;
    this.problem = problem;
  }
}

export type Options = {
  /** Where Duet is: `DUET_PUBLIC_URL`. */
  url: string;
  pair?: Pair | null;
  /** Each new pair; null when the session is over. */
  keep?: (pair: Pair | null) => void | Promise<void>;
};

/** Whether a refresh can help: the token is not good, and its session may be. */
const isStale = ({ code }: Refused) => code === "token_expired" || code === "token_invalid";

export function createClient({ url, pair = null, keep = () => {} }: Options) {
  let refreshing: Promise<void> | undefined;

  async function set(next: Pair | null): Promise<void> {
    pair = next;
    await keep(next);
  }

  async function send<T>(method: string, path: string, body?: unknown, token?: string): Promise<T> {
    const headers: Record<string, string> = {};
    if (body !== undefined) headers["content-type"] = "application/json";
    if (token) headers["authorization"] = `Bearer ${token}`;
    const init = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
    const answer = await fetch(url + path, init).catch((cause: unknown) => {
      throw new Refused(0, "unreachable", { detail: String(cause) });
    });
    const isJson = /json/.test(answer.headers.get("content-type") ?? "");
    const said = isJson ? await answer.json() : undefined;
    if (!answer.ok) throw new Refused(answer.status, String(said?.code ?? answer.status), said ?? {});
    return said as T;
  }

  /** One at a time. An answer that was lost is no harm: the same refresh token is good again. */
  const refresh = () =>
    (refreshing ??= (async () => {
      try {
        await set(
          await send<Pair>("POST", "/api/auth/refresh", { refresh_token: pair?.refresh_token ?? "" }),
        );
      } catch (error) {
        if (error instanceof Refused && error.status === 401) await set(null);
        throw error;
      }
    })().finally(() => (refreshing = undefined)));

  async function signIn(
    path: string,
    body: object,
  ): Promise<Pair & { user: { id: string; username: string } }> {
    const signed = await send<Pair & { user: { id: string; username: string } }>("POST", path, body);
    await set({ access_token: signed.access_token, refresh_token: signed.refresh_token });
    return signed;
  }

  return {
    login: (username: string, password: string) => signIn("/api/auth/login", { username, password }),
    register: (username: string, password: string) => signIn("/api/auth/register", { username, password }),

    /** Any route of the reference; `T` is what it answers. */
    async ask<T = unknown>(method: string, path: string, body?: unknown): Promise<T> {
      const token = pair?.access_token;
      try {
        return await send<T>(method, path, body, token);
      } catch (error) {
        if (!pair || !(error instanceof Refused) || !isStale(error)) throw error;
        // Another request may have refreshed meanwhile.
        if (pair.access_token === token) await refresh();
        return send<T>(method, path, body, pair?.access_token);
      }
    },

    async logout(): Promise<void> {
      const refresh_token = pair?.refresh_token;
      if (refresh_token) await send("POST", "/api/auth/logout", { refresh_token });
      await set(null);
    },
  };
}
