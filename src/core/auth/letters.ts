import { LIMITS } from "../../limits.ts";
import type { LetterRow } from "../../store/letters.ts";
import type { Store, Tables } from "../../store/index.ts";
import { networkOf } from "../addresses.ts";
import type { Clock } from "../clock.ts";
import { newId } from "../ids.ts";
import type { Log } from "../log.ts";
import { isCode } from "./throttle.ts";
import { nameDevice, type Device, type NameDevice } from "./devices.ts";
import type { SecurityEventKind } from "./event-kinds.ts";

/** What is said in a letter; times are epoch milliseconds, a link opens a page of ours. */
export type Letter = {
  to: string;
  username: string;
  /** Of their last sign-in; null where that is not known. */
  language: string | null;
} & (
  | { kind: "reset" | "verify"; link: string }
  | { kind: "email_changed"; link: string; email: string | null }
  | { kind: "notice"; event: SecurityEventKind; at: number; deviceName: NameDevice; ip: string | null }
);

/** Hands a letter to a mail server. Throws where that does not take it now; `Undeliverable` where it never will. */
export type Post = (letter: Letter) => Promise<void>;

/** The mail server has refused it for good (RFC 5321 section 4.2.1, 5yz). */
export class Undeliverable extends Error {
  override name = "Undeliverable";
}

export type Letters = ReturnType<typeof createLetters>;

/** What a letter would lead to is over. */
function nullIfEnded(error: unknown): null {
  if (isCode("link_ended")(error)) return null;
  throw error;
}

/** Events that the owner is written to about, if it is known that the address is theirs. */
const NOTICES = new Set<SecurityEventKind>([
  "password_change",
  "password_reset",
  "factor_add",
  "factor_remove",
  "recovery_codes",
  "recovery_code_used",
  "reuse_detected",
  "passkey_cloned",
  "email_undo",
]);

/**
 * E-mail, in the database until a mail server has taken it: never on the path of a request, tried again with growing pauses for
 * three days, by whichever process is first. A letter may come twice where a process dies at that moment, and none is lost.
 */
export function createLetters(deps: { store: Store; clock: Clock; log: Log; isOn: boolean }) {
  const { store, clock, log, isOn } = deps;
  let look = async (): Promise<void> => undefined;

  async function put(
    tables: Pick<Tables, "letters">,
    letter: Pick<LetterRow, "kind" | "user_id"> & Partial<Pick<LetterRow, "address" | "about">>,
  ): Promise<void> {
    const now = clock();
    const row = { id: newId(now), address: null, about: null, ...letter, created_at: now };
    await tables.letters.insert(row);
  }

  /** Whether nobody has signed in to this account with such a device from such a network before. */
  async function isNewDevice(tables: Tables, userId: string, sessionId: string, device: Device) {
    const seen = await tables.devices.seenOf(userId, sessionId, LIMITS.knownAddressesMax);
    const pairOf = (userAgent: string, ip: string) => `${nameDevice(userAgent)}\n${networkOf(ip)}`;
    const pair = pairOf(device.userAgent, device.ip);
    return seen.length > 0 && !seen.some((each) => pairOf(each.user_agent, each.ip) === pair);
  }

  return {
    /** Whether there is a mail server. */
    isOn,
    put,

    /** Has what was put sent soon, for after the commit; resolves when there is nothing left to be sent now. */
    wake: (): Promise<void> => look(),

    /** Puts a notice of an event, where it is one that its owner is written to about. Answers whether it did. */
    async notice(
      tables: Tables,
      event: { id: string; kind: SecurityEventKind; userId: string | null; sessionId?: string | undefined },
      isSuccess: boolean,
      device: Device,
    ): Promise<boolean> {
      const { id, kind, userId, sessionId } = event;
      if (!isOn || userId === null) return false;
      const isTold =
        kind === "login" && isSuccess
          ? sessionId !== undefined && (await isNewDevice(tables, userId, sessionId, device))
          : NOTICES.has(kind) && (isSuccess || kind === "reuse_detected" || kind === "passkey_cloned");
      const user = isTold ? await tables.users.find(userId) : null;
      if (!user || user.email_verified_at === null) return false;
      // To where it goes now: whoever changes the address after it does not get it.
      await put(tables, { kind: "notice", user_id: userId, address: user.email, about: id });
      return true;
    },

    /**
     * Sends what is due, now and whenever there is more, until the function that it answers is called. `compose` makes the
     * letter, null where there is nobody to write to.
     */
    start(post: Post, compose: (row: LetterRow) => Promise<Letter | null>): () => Promise<void> {
      let isStopped = false;
      let sending: Promise<void> | undefined;
      let wanted = Promise.withResolvers<void>();

      async function sendOne(row: LetterRow): Promise<void> {
        try {
          const letter = await compose(row).catch(nullIfEnded);
          if (letter) await post(letter);
          await store.letters.remove(row.id);
          const facts = { kind: letter?.kind ?? row.kind, user_id: row.user_id };
          log("info", letter ? "letter_sent" : "letter_dropped", facts);
        } catch (error) {
          const facts = { kind: row.kind, user_id: row.user_id, cause: String(error) };
          const isOver = clock() - row.created_at > LIMITS.letterKeepMs;
          if (error instanceof Undeliverable || isOver) {
            await store.letters.remove(row.id);
            return log("error", "letter_given_up", facts);
          }
          const waitMs = Math.min(LIMITS.letterRetryMs * 2 ** row.tries, LIMITS.letterRetryMaxMs);
          await store.letters.postpone(row.id, clock() + waitMs);
          log("warn", "letter_postponed", { ...facts, wait_s: waitMs / 1000 });
        }
      }

      /** The database could not. */
      const failed = (cause: unknown) => log("error", "letters_unsent", { cause: String(cause) });

      /** Some at a time, so that one on which a server hangs holds none of the others. */
      async function sendDue(): Promise<void> {
        const underWay = new Set<Promise<void>>();
        for (;;) {
          const again = wanted.promise;
          const room = isStopped ? 0 : LIMITS.lettersAtOnce - underWay.size;
          const due = room === 0 ? [] : await store.letters.due(clock(), room);
          for (const row of due) {
            if (!(await store.letters.claim(row, clock() + LIMITS.letterLeaseMs))) continue;
            const sent = sendOne(row)
              .catch(failed)
              .finally(() => underWay.delete(sent));
            underWay.add(sent);
          }
          if (due.length > 0) continue;
          if (underWay.size === 0) return;
          await Promise.race([...underWay, again]);
        }
      }

      const begin = (): Promise<void> => {
        wanted.resolve();
        wanted = Promise.withResolvers();
        return (sending ??= sendDue()
          .catch(failed)
          .finally(() => (sending = undefined)));
      };
      look = begin;
      void begin();
      const timer = setInterval(begin, LIMITS.lettersLookMs);
      return async () => {
        clearInterval(timer);
        look = async () => undefined;
        isStopped = true;
        await sending;
      };
    },
  };
}
