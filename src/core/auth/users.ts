import { DuetError } from "../../errors.ts";
import { LIMITS } from "../../limits.ts";
import type { Store } from "../../store/index.ts";
import type { UserRow } from "../../store/users.ts";
import { networkOf } from "../addresses.ts";
import type { Clock } from "../clock.ts";
import type { Commit } from "../commit.ts";
import { newId } from "../ids.ts";
import type { Device } from "./devices.ts";
import type { Guesses } from "./guesses.ts";
import type { Letters } from "./letters.ts";
import type { Links } from "./links.ts";
import type { Hashing, Passwords } from "./passwords.ts";
import { emailKey, readProfile, wordsOf } from "./profiles.ts";
import type { SecurityEvents } from "./security.ts";
import type { Proofs } from "./proofs.ts";
import type { ProvedStart, Sessions } from "./sessions.ts";
import type { Begun, SignedIn, SignIns } from "./sign-ins.ts";
import { hashingOf, judgingOf, isCode, isUnavailable, type LimitKey, type Throttle } from "./throttle.ts";
import { usernameKey } from "./usernames.ts";

export type { User } from "./profiles.ts";

export type Users = ReturnType<typeof createUsers>;

/** Becoming somebody here: registering and signing in, both of which start a session. */
export function createUsers(deps: {
  store: Store;
  commit: Commit;
  sessions: Sessions;
  security: SecurityEvents;
  proofs: Proofs;
  passwords: Passwords;
  throttle: Throttle;
  links: Links;
  letters: Letters;
  signIns: SignIns;
  guesses: Guesses;
  clock: Clock;
  settings: { registration: "open" | "closed" };
}) {
  const { store, commit, sessions, security, proofs, passwords, throttle, links, clock, settings } = deps;
  const { signIns, guesses, letters } = deps;

  return {
    /**
     * Makes an account and signs it in; where registration is closed, by an invitation. Error codes:
     * `registration_closed`, `link_ended`, `validation_failed` with every faulty
     * field, `username_taken`, `email_taken`, `rate_limited`, `too_busy`. Effects: `users`, `sessions` and the
     * security event, all or none.
     */
    async register(
      input: {
        username: string;
        password: string;
        email?: string | null | undefined;
        invitation?: string | undefined;
      },
      start: ProvedStart,
      device: Device,
    ): Promise<SignedIn> {
      const isClosed = settings.registration === "closed";
      if (isClosed && !input.invitation) throw new DuetError("registration_closed");
      const profile = readProfile(input);
      await throttle.take(...judgingOf(undefined, networkOf(device.ip)));
      const invitation = isClosed ? await links.find("invitation", input.invitation!) : null;
      const weakness = await passwords.judge(input.password, wordsOf(profile.columns));
      if (weakness) profile.faults.push({ field: "password", ...weakness });
      if (profile.faults.length > 0) throw new DuetError("validation_failed", { fields: profile.faults });
      const now = clock();
      const network = networkOf(device.ip);
      const signUp = async ({ hash }: Hashing) => {
        const user = {
          id: newId(now),
          ...profile.columns,
          // Where there is mail it is confirmed first, and is nobody's until then.
          ...(letters.isOn && { email: null, email_key: null, email_pending: profile.columns.email }),
          ...(device.language && { language: device.language }),
          // Also where the name turns out to be taken: the time must not tell.
          password_hash: await hash(input.password),
          created_at: now,
        };
        const session = sessions.draft(user, start, device, ["pwd"]);
        await commit(async (tx) => {
          if (start.proof) await proofs.spend(tx, start.proof, `register ${user.username_key}`);
          if (invitation) await links.use(tx, invitation);
          await tx.users.insert(user);
          await tx.users.setShapes(user.id, profile.shapes);
          if (letters.isOn && profile.columns.email !== null) {
            await letters.put(tx, { kind: "verify", user_id: user.id, address: profile.columns.email });
            tx.afterCommit(() => void letters.wake());
          }
          await tx.sessions.insert(session);
          await security.note({ kind: "register", userId: user.id, sessionId: session.id }, device, tx);
        });
        return { user, issued: await sessions.issue(session, user.username) };
      };
      // A taken name counts too: otherwise this would be the way to find out who has an account.
      const limits: LimitKey[] = [["register_network", network]];
      return passwords.inTurn(profile.columns.username_key, network, (hashing) =>
        throttle.counting(
          limits,
          (outcome) => !isUnavailable(outcome),
          () => signUp(hashing),
        ),
      );
    },

    /**
     * Signs in by username or e-mail: RFC 6749 section 4.3. Who has a second factor is asked for it, and until that has come
     * the right password counts as a try. Error codes: `invalid_credentials`, the same for no
     * such user, a wrong password and a disabled account, after the same work; `rate_limited`, `too_busy`.
     * Effects: as `SignIns.afterPassword`, or the event alone.
     */
    async login(
      input: { identifier: string; password: string },
      start: ProvedStart,
      device: Device,
    ): Promise<Begun> {
      const identifier = input.identifier.trim().slice(0, LIMITS.emailCharsMax).toWellFormed();
      // A name and its address are counted apart, or a limit would tell that they are one account's.
      const account = identifier.includes("@") ? emailKey(identifier) : usernameKey(identifier);
      const network = networkOf(device.ip);
      const check = async (row: UserRow | null, { verify }: Hashing) => {
        const { ok, rehashed } = await verify(input.password, row?.password_hash ?? null);
        if (row && ok && row.disabled_at === null)
          return { row, rehashed, isHalf: await signIns.asksForMore(row.id) };
        await security.note({ kind: "login", outcome: "failure", userId: row?.id ?? null }, device);
        throw new DuetError("invalid_credentials");
      };
      // Null if the user has changed while the password was checked: check again.
      for (;;) {
        const work = async (hashing: Hashing) => {
          const found = await findByIdentifier(identifier);
          const limits = await guesses.loginLimits(account, found?.id ?? "", network);
          const isTry = (outcome: unknown) => isCode("invalid_credentials")(outcome) || isHalf(outcome);
          return throttle.counting(limits, isTry, () => check(found, hashing), hashingOf(account, network));
        };
        // For its weight alone: it is read again in the turn, which may come much later.
        const stored = (await findByIdentifier(identifier))?.password_hash ?? null;
        const { row, rehashed } = await passwords.inTurn(account, network, work, stored);
        const begun = await signIns.afterPassword(row, rehashed, start, device);
        if (begun) return begun;
      }
    },
  };

  async function findByIdentifier(identifier: string): Promise<UserRow | null> {
    if (!identifier.includes("@")) return store.users.findByUsername(usernameKey(identifier));
    const user = await store.users.findByEmail(emailKey(identifier));
    return letters.isOn && user?.email_verified_at == null ? null : user;
  }
}

const isHalf = (outcome: unknown) => (outcome as { isHalf?: boolean } | null)?.isHalf === true;
