import type { Answer } from "../support/app.ts";
import { decode, PASSWORDS } from "../support/people.ts";
import { BACK_MS, type Site } from "./site.ts";

const passwordOf = (name: string) => PASSWORDS[name] ?? `the umbrella stand of ${name} 9`;

export const credentialsOf = (username: string) => ({ username, password: passwordOf(username) });

/**
 * Somebody who is signed in and talks while a server is hurt, with all that they were told. `faults` are breaches of what
 * holds at every fault: 503 with `Retry-After` and no secret for what could not be done, never 401, nothing else.
 */
export class Talker {
  readonly acknowledged: string[] = [];
  /** Sent, and not known to be stored or not. */
  readonly unknown = new Set<string>();
  readonly faults: string[] = [];
  readonly statuses = new Map<number, number>();
  #said = 0;

  private constructor(
    readonly site: Site,
    readonly name: string,
    public accessToken: string,
    public refreshToken: string,
    readonly conversation: string,
  ) {}

  static async register(site: Site, name: string): Promise<Talker> {
    const { body: pair } = await site.ask("POST", "/api/auth/register", credentialsOf(name));
    const { body } = await site.ask("POST", "/api/conversations", { title: name }, pair.access_token);
    return new Talker(site, name, pair.access_token, pair.refresh_token, body.id);
  }

  /** Judges an answer by what holds at every fault. */
  note(what: string, answer: Answer): Answer {
    const { status, headers, text } = answer;
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
    if (status === 0 || status < 400) return answer;
    const wrong = (why: string) => this.faults.push(`${what}: ${status} ${why} ${text.slice(0, 200)}`);
    if (status !== 503) wrong("");
    else if (!headers.get("retry-after")) wrong("without Retry-After");
    else if (!headers.get("content-type")?.startsWith("application/problem+json"))
      wrong("is no problem+json");
    const secrets = [this.accessToken, this.refreshToken, passwordOf(this.name), this.site.folder, "SQLITE"];
    if (secrets.some((secret) => text.includes(secret))) wrong("tells a secret:");
    return answer;
  }

  ask = async (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
    this.note(`${method} ${path}`, await this.site.ask(method, path, body, this.accessToken, headers));

  me = () => this.ask("GET", "/api/auth/me");

  get path(): string {
    return `/api/conversations/${this.conversation}/messages`;
  }

  /** Says the next thing, once. */
  async say(): Promise<number> {
    return this.sayAs(`${this.name} ${this.#said++}`);
  }

  async sayAs(text: string): Promise<number> {
    this.unknown.add(text);
    const key = { "idempotency-key": new Bun.CryptoHasher("sha256").update(text).digest("hex") };
    const { status } = await this.ask("POST", this.path, { body: text }, key);
    if (status === 201) this.acknowledged.push(text);
    return status;
  }

  /** Says the next thing until it is said, as a client does that retries. */
  async sayUntilSaid(isOver = () => false): Promise<void> {
    const text = `${this.name} ${this.#said++}`;
    while (!isOver() && (await this.sayAs(text)) !== 201) await Bun.sleep(5);
  }

  async refresh(): Promise<number> {
    const shown = { refresh_token: this.refreshToken };
    const answer = this.note("refresh", await this.site.ask("POST", "/api/auth/refresh", shown));
    if (answer.status === 200) {
      this.accessToken = answer.body.access_token;
      this.refreshToken = answer.body.refresh_token;
    }
    return answer.status;
  }

  get generation(): number {
    return decode(this.refreshToken).claims.gen;
  }

  /** After the fault: it serves again, what was acknowledged is there, once, and the session goes on. */
  async check(): Promise<string[]> {
    const back = await this.site.backMs();
    if (back > BACK_MS || back === Infinity)
      this.faults.push(`serves again only after ${Math.round(back)} ms`);
    await this.refresh();
    const { status } = await this.me();
    if (status !== 200) this.faults.push(`the session does not go on: ${status}`);
    const mine = `SELECT body FROM messages WHERE conversation_id = '${this.conversation}'`;
    const stored = this.site.read<{ body: string }>(mine).map(({ body }) => body);
    const kept = new Set(stored);
    const lost = this.acknowledged.filter((text) => !kept.has(text));
    const strange = stored.filter((text) => !this.unknown.has(text));
    if (lost.length > 0) this.faults.push(`acknowledged and lost: ${lost.join(", ")}`);
    if (kept.size < stored.length) this.faults.push(`stored twice: ${stored.length - kept.size}`);
    if (strange.length > 0) this.faults.push(`stored and never sent: ${strange.join(", ")}`);
    return [...this.faults, ...this.site.damages()];
  }

  get stored(): number {
    const mine = `SELECT count(*) AS n FROM messages WHERE conversation_id = '${this.conversation}'`;
    return this.site.read<{ n: number }>(mine)[0]!.n;
  }

  get told(): string {
    return countsOf(this.statuses);
  }
}

/** `201 × 20, 503 × 20` */
export const countsOf = (statuses: Map<number, number>): string =>
  [...statuses].map(([status, n]) => `${status === 0 ? "none" : status} × ${n}`).join(", ");
