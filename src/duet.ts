import type { Config } from "./config.ts";
import { createAccount } from "./core/auth/account.ts";
import { createAdmin } from "./core/auth/admin.ts";
import { createBindings } from "./core/auth/bindings.ts";
import { createConfirm } from "./core/auth/confirm.ts";
import { createBoundSessions } from "./core/auth/bound.ts";
import { createChallenges } from "./core/auth/challenges.ts";
import { createDepartures } from "./core/auth/departures.ts";
import { createSessionDiaries } from "./core/auth/diary.ts";
import { createEndings } from "./core/auth/endings.ts";
import { createFactors } from "./core/auth/factors.ts";
import { createGuests } from "./core/auth/guests.ts";
import { createGuesses } from "./core/auth/guesses.ts";
import { createIntrospect } from "./core/auth/introspection.ts";
import { createHolders } from "./core/auth/holders.ts";
import { createLinks } from "./core/auth/links.ts";
import { createMailedLinks } from "./core/auth/mailed-links.ts";
import { createEmails } from "./core/auth/emails.ts";
import { createLetters, type Post } from "./core/auth/letters.ts";
import type { KeyRing } from "./core/auth/keys.ts";
import { createLab } from "./core/auth/lab.ts";
import type { SessionObserver } from "./core/auth/observer.ts";
import { createNamedSessions } from "./core/auth/named.ts";
import { createOperator } from "./core/auth/operator.ts";
import { createOwnFactors } from "./core/auth/own-factors.ts";
import { createPasskeys } from "./core/auth/passkeys.ts";
import { createStepUp } from "./core/auth/step-up.ts";
import { createSignIns } from "./core/auth/sign-ins.ts";
import { createOwnSessions } from "./core/auth/own-sessions.ts";
import { createPasswords, type Argon2Cost } from "./core/auth/passwords.ts";
import { createRememberedSessions } from "./core/auth/remembered.ts";
import { createProofs } from "./core/auth/proofs.ts";
import { createSecurityEvents } from "./core/auth/security.ts";
import { createSessions } from "./core/auth/sessions.ts";
import { createShownTokens } from "./core/auth/shown.ts";
import { createThrottle } from "./core/auth/throttle.ts";
import { createTokens } from "./core/auth/tokens.ts";
import { createUsers } from "./core/auth/users.ts";
import { createChatAccount } from "./core/chat/account.ts";
import { createChat } from "./core/chat/chat.ts";
import { createTail } from "./core/chat/tail.ts";
import { createStepWatch, type Clock } from "./core/clock.ts";
import { createCommit } from "./core/commit.ts";
import { createForms } from "./core/forms.ts";
import { createHousekeeping } from "./core/housekeeping.ts";
import type { Log } from "./core/log.ts";
import { watchMoves } from "./core/moves.ts";
import { createNotifier } from "./core/notifier.ts";
import { DuetError } from "./errors.ts";
import { LIMITS } from "./limits.ts";
import type { Store } from "./store/index.ts";

/** Every service of Duet, by the names that routes and commands ask for: `Pick<Duet, "sessions" | "users">`. */
export type Duet = ReturnType<typeof createDuet>;

/** For tests: cheaper hashing, a shorter heartbeat. */
export type Tuning = {
  heartbeatMs?: number;
  argon2Cost?: Argon2Cost | undefined;
  /** Milliseconds that only count on, whatever the clock is set to. */
  monotonic?: () => number;
  clock?: Clock | undefined;
  /** Is told what the rule decides outside of the lab. */
  observe?: SessionObserver;
};

/**
 * Every service, wired, and nothing of HTTP: the same for the server, the command line, the lab and tests. `settings`
 * need not be those of a server that runs on the same data. Starts nothing by itself.
 */
export function createDuet(
  deps: { store: Store; keys: KeyRing; settings: Config & { issuer: string }; clock: Clock; log: Log },
  tuning: Tuning = {},
) {
  const { store, keys, settings, clock, log } = deps;
  const notifier = createNotifier();
  let damage: string | undefined;
  const remembered = createRememberedSessions(store);
  const tail = createTail(store);
  const whyMoved = watchMoves({ store, log });
  const commit = createCommit({ store, notifier, whyOver: whyMoved, onChange: tail.add });
  const steps = createStepWatch(clock, tuning.monotonic ?? (() => performance.now()));

  /** Why nothing can be signed. A clock that was given, in a test, is as right as that. */
  const trouble = () => whyMoved() ?? (clock === store.now ? store.trouble() : undefined);

  // Who somebody is: accounts, sessions and their two tokens.
  const tokens = createTokens({ keys, clock, issuer: settings.issuer, trouble, settings });
  const throttle = createThrottle({ store, clock, settings });
  const letters = createLetters({ store, clock, log, isOn: settings.smtpUrl !== undefined });
  const security = createSecurityEvents({ store, letters, clock, log });
  const endings = createEndings({ store, commit, security, clock, steps });
  const diaries = createSessionDiaries({ store, clock, settings });
  const inDiary = diaries.observer("page");
  const observe: SessionObserver = (event) => {
    inDiary(event);
    tuning.observe?.(event);
  };
  const proofs = createProofs({ keys, clock, throttle, issuer: settings.issuer });
  const bindings = createBindings({ keys, store, commit, security, clock, issuer: settings.issuer });
  const holders = createHolders({ store, proofs, bindings, security, throttle, clock });
  const named = createNamedSessions({ store, remembered, tokens, endings, clock });
  const sessions = createSessions({
    store,
    remembered,
    named,
    tokens,
    endings,
    holders,
    throttle,
    clock,
    steps,
    observe,
    settings,
  });
  const boundSessions = createBoundSessions({
    named,
    sessions,
    bindings,
    endings,
    throttle,
    clock,
    steps,
    settings,
  });
  const ownSessions = createOwnSessions({ store, endings, throttle, clock });
  const shownTokens = createShownTokens({ store, tokens, endings, holders });
  const introspect = createIntrospect({ store, tokens, endings, clock, steps, settings });
  const passwords = createPasswords({ settings, log, cost: tuning.argon2Cost });
  // What most of them are made of.
  const base = { store, commit, throttle, security, endings, letters, clock, issuer: settings.issuer };
  const operator = createOperator({ ...base, passwords, tokens });
  const links = createLinks({ ...base, passwords });
  const mailedLinks = createMailedLinks({ ...base, keys });
  const challenges = createChallenges(base);
  const passkeys = createPasskeys(base);
  const factors = createFactors({ ...base, keys, passkeys });
  const guesses = createGuesses({ ...base, challenges, factors });
  const emails = createEmails({ ...base, keys, links, mailedLinks, guesses });
  const proving = { ...base, challenges, factors, passkeys, guesses };
  const confirm = createConfirm({ ...base, guesses });
  const stepUp = createStepUp({ ...proving, tokens, named, holders, confirm, passwords });
  const signIns = createSignIns({ ...proving, sessions, proofs });
  const ownFactors = createOwnFactors({ ...proving, sessions, stepUp });
  const users = createUsers({ ...base, sessions, proofs, passwords, links, signIns, guesses, settings });
  const admin = createAdmin({ store, operator, links, stepUp });
  const lab = createLab({ store, tokens, diaries, throttle, clock, settings });
  const guests = createGuests({ ...base, keys, steps, settings });

  // What they say to each other.
  const heartbeatMs = tuning.heartbeatMs ?? LIMITS.streamHeartbeatMs;
  const chat = createChat({ ...base, remembered, tail, notifier, heartbeatMs });

  const parts = [createChatAccount({ store, clock })];
  const departures = createDepartures({ store, commit, parts });
  const account = createAccount({
    ...base,
    emails,
    sessions,
    ownSessions,
    passwords,
    stepUp,
    parts,
    departures,
  });
  const housekeeping = createHousekeeping({
    store,
    clearDeparted: departures.clearSome,
    tendKeys: keys.tend,
    clock,
    steps,
    log,
    settings,
  });

  return {
    settings,
    log,
    keys,
    users,
    letters,
    emails,
    challenges,
    guesses,
    signIns,
    stepUp,
    ownFactors,
    account,
    sessions,
    ownSessions,
    shownTokens,
    proofs,
    bindings,
    boundSessions,
    operator,
    links,
    mailedLinks,
    admin,
    endings,
    security,
    introspect,
    lab,
    guests,
    ...chat,
    notifier,
    housekeeping,
    forms: createForms({ store, clock }),

    /** Sends letters until the function that it answers is called. */
    startLetters: (post: Post) => letters.start(post, emails.compose),

    /** Resolves if the database takes a transaction, and no damage is known of it. Error code: `unavailable`. */
    async ready(): Promise<void> {
      const cause = damage ?? trouble();
      if (cause) throw new DuetError("unavailable", { cause });
      await store.throttles.probe(clock());
    },

    /** The database was found damaged, while it was used. Effects: the log, and `ready` from now on. */
    noteDamage(found: string): void {
      damage = found;
      log("error", "database_damaged", { found });
    },
  };
}
