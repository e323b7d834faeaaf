import { ORIGIN, type TestApp } from "./app.ts";
import { PASSWORDS } from "./people.ts";

/** A browser without JavaScript, as far as HTTP goes: a cookie jar with paths, redirects, fetch metadata. */
export class Visitor {
  readonly jar = new Map<string, { value: string; path: string; attributes: string }>();
  /** Every request of the last `open` or `submit`, in order: `GET /path 200`. */
  trail: string[] = [];
  /** Every Set-Cookie seen, whole. */
  readonly setCookies: string[] = [];

  constructor(
    readonly t: TestApp,
    readonly headers: Record<string, string> = {},
  ) {}

  open = (path: string) => this.#navigate("GET", path);

  submit = (path: string, fields: Record<string, string> = {}) =>
    this.#navigate("POST", path, new URLSearchParams(fields).toString());

  /** One request of the page's script. */
  async script(
    method: string,
    path: string,
    fields?: Record<string, string>,
    headers: Record<string, string> = {},
  ) {
    return this.#send(method, path, fields && new URLSearchParams(fields).toString(), {
      "sec-fetch-mode": "cors",
      "hx-request": "true",
      ...headers,
    });
  }

  async register(username: string): Promise<void> {
    await this.submit("/register", { username, password: PASSWORDS[username]! });
  }

  /** What the browser does when the access token's Max-Age is over. */
  forgetAccess(): void {
    this.jar.delete("duet_access");
    this.jar.delete("duet_gen");
  }

  async #navigate(
    method: string,
    path: string,
    body?: string,
  ): Promise<{ status: number; path: string; html: string }> {
    this.trail = [];
    for (let hops = 0; hops < 10; hops++) {
      const response = await this.#send(method, path, body, {
        "sec-fetch-mode": "navigate",
        accept: "text/html,application/xhtml+xml",
      });
      const location = response.headers.get("location");
      if (!location) return { status: response.status, path, html: await response.text() };
      path = location;
      if (response.status !== 307) [method, body] = ["GET", undefined];
    }
    throw new Error(`redirected for ever: ${this.trail.join(", ")}`);
  }

  async #send(method: string, path: string, body: string | undefined, headers: Record<string, string>) {
    const { pathname } = new URL(path, ORIGIN);
    const cookies = [...this.jar].filter(
      ([, { path: p }]) => p === "/" || pathname === p || pathname.startsWith(`${p}/`),
    );
    const response = await this.t.fetch(path, {
      method,
      headers: {
        "sec-fetch-site": "same-origin",
        ...(cookies.length > 0 && {
          cookie: cookies.map(([name, { value }]) => `${name}=${value}`).join("; "),
        }),
        ...(body !== undefined && { "content-type": "application/x-www-form-urlencoded" }),
        ...this.headers,
        ...headers,
      },
      ...(body !== undefined && { body }),
    });
    this.trail.push(`${method} ${pathname} ${response.status}`);
    for (const line of response.headers.getSetCookie()) {
      this.setCookies.push(line);
      const [, name, value, attributes] = /^([^=]+)=([^;]*);(.*)$/.exec(line)!;
      if (/Max-Age=0\b/.test(attributes!)) this.jar.delete(name!);
      else
        this.jar.set(name!, {
          value: value!,
          path: /Path=([^;]+)/.exec(attributes!)![1]!,
          attributes: attributes!,
        });
    }
    return response;
  }
}
