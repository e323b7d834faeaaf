import { networkOf } from "./addresses.ts";
import { LIMITS } from "./limits.ts";
import type { Passwords, Weakness } from "./passwords.ts";
import { wordsOf } from "./profiles.ts";
import type { Device, Sessions, Viewer } from "./sessions.ts";
import type { Store } from "../store/index.ts";
import type { Throttle } from "./throttle.ts";

export type Account = ReturnType<typeof createAccount>;

/** What the owner of an account may see of it as a whole. */
export function createAccount(deps: {
  store: Store;
  sessions: Sessions;
  passwords: Passwords;
  throttle: Throttle;
  clock: () => number;
}) {
  const { store, sessions, passwords, throttle, clock } = deps;

  return {
    /** How good a new password of `owner` would be, from 0 to 4, and what is wrong with it. Error code: `rate_limited`. */
    async ratePassword(
      owner: { username: string; email?: string | null | undefined },
      password: string,
      device: Device,
    ): Promise<{ score: number; weakness: Weakness | null }> {
      await throttle.take(["judge_network", networkOf(device.ip)]);
      return passwords.rate(password, wordsOf(owner));
    },

    /** Everything that is kept about the viewer and all they said, as plain data; nothing of others, no secret. */
    async exportAll(viewer: Viewer) {
      const user = (await store.users.find(viewer.userId))!;
      const [live, security, conversations, messages] = await Promise.all([
        sessions.list(viewer),
        store.events.listBefore(viewer.userId, "~", LIMITS.exportedMax),
        store.conversations.listByActivity(viewer.userId, null, LIMITS.exportedMax),
        store.messages.listByAuthor(viewer.userId, LIMITS.exportedMax),
      ]);
      const time = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());
      return {
        exported_at: time(clock()),
        user: { id: user.id, username: user.username, email: user.email, created_at: time(user.created_at) },
        sessions: live.map((s) => ({
          id: s.id,
          user_agent: s.user_agent,
          ip: s.ip,
          created_at: time(s.created_at),
          seen_at: time(s.seen_at),
        })),
        security_events: security.map(({ kind, outcome, user_agent, ip, created_at }) => ({
          kind,
          outcome,
          user_agent,
          ip,
          created_at: time(created_at),
        })),
        conversations: conversations.map((c) => ({
          id: c.id,
          title: c.title,
          is_owner: c.owner_id === user.id,
          created_at: time(c.created_at),
        })),
        messages: messages.map((m) => ({
          id: m.id,
          conversation_id: m.conversation_id,
          body: m.body,
          created_at: time(m.created_at),
          edited_at: time(m.edited_at),
        })),
      };
    },
  };
}
