import { Database } from "bun:sqlite";
import { join } from "node:path";
import { indexedTerms, messageMark, titleMark } from "../../src/core/chat/terms.ts";
import type { Db } from "../../src/db/index.ts";
import { LIMITS } from "../../src/limits.ts";
import { createStore } from "../../src/store/index.ts";

/** Words that the seeded messages are made of; the first is in every one of them, and `RARE` in none. */
export const COMMON = "hello";
export const RARE = "kettledrum";
const WORDS = Array.from({ length: 2000 }, (_, i) => `w${i.toString(36)}`);

const id = (kind: number, n: number) => `019a0000-000${kind}-7000-8000-${n.toString(16).padStart(12, "0")}`;

/**
 * Fills a database that has a schema, as years of use would: people, their sessions (every third of them over for longer than
 * they are kept), conversations of theirs, the newest `mine` of which the viewer is in too, and what was said in them.
 */
export function seed(
  folder: string,
  viewerId: string,
  rows: { sessions: number; messages: number; conversations: number; mine: number },
): void {
  const db = new Database(join(folder, "duet.db"));
  db.run("PRAGMA synchronous = OFF");
  const now = Date.now();
  const users = Math.max(10, Math.min(10_000, Math.floor(rows.sessions / 10)));
  const many = (count: number, sql: string, values: (n: number) => (string | number | null)[]) => {
    const insert = db.prepare(sql);
    for (let from = 0; from < count; from += 50_000)
      db.transaction(() => {
        for (let n = from; n < Math.min(count, from + 50_000); n++) insert.run(...values(n));
      })();
    insert.finalize();
  };
  many(
    users,
    "INSERT INTO users (id, username, username_key, password_hash, created_at) VALUES (?, ?, ?, '', ?)",
    (n) => [id(1, n), `seed${n}`, `seed${n}`, now],
  );
  many(
    rows.sessions,
    `INSERT INTO sessions (id, user_id, kind, generation, rotated_at, created_at, seen_at, idle_ends_at, ends_at, user_agent, ip)
     VALUES (?, ?, 'browser', 1, ?, ?, ?, ?, ?, 'seed', '192.0.2.1')`,
    (n) => {
      const at = n % 3 === 0 ? now - 200 * 86_400_000 : now;
      return [id(2, n), id(1, n % users), at, at, at + n, at + 7 * 86_400_000, at + 90 * 86_400_000];
    },
  );
  const at = (n: number) => now - (rows.conversations - n) * 1000;
  const owner = (n: number) => id(1, n % users);
  many(
    rows.conversations,
    "INSERT INTO conversations (number, id, owner_id, title, created_at, updated_at, said) VALUES (?, ?, ?, ?, ?, ?, ?)",
    (n) => [
      n + 1000,
      id(3, n),
      owner(n),
      `Talk ${WORDS[n % WORDS.length]} ${n}`,
      at(n),
      at(n),
      Math.ceil(rows.messages / rows.conversations),
    ],
  );
  const member = "INSERT INTO members (conversation_id, user_id, joined_at, active_at) VALUES (?, ?, ?, ?)";
  many(rows.conversations, member, (n) => [id(3, n), owner(n), at(n), at(n)]);
  many(rows.mine, member, (i) => {
    const n = rows.conversations - 1 - i;
    return [id(3, n), viewerId, at(n), at(n)];
  });
  many(rows.conversations, "INSERT INTO terms (rowid, words) VALUES (?, ?)", (n) => [
    -(n + 1000),
    indexedTerms(titleMark(n + 1000), `Talk ${WORDS[n % WORDS.length]} ${n}`).join(" "),
  ]);
  const talk = (n: number) => n % rows.conversations;
  const said = (n: number) =>
    `${COMMON} ${WORDS[(n * 7919) % WORDS.length]} ${WORDS[(n * 104_729) % WORDS.length]} number ${n}`;
  const partOf = (n: number) => Math.floor(n / rows.conversations / LIMITS.messagesPerPart);
  many(
    rows.messages,
    `INSERT INTO messages (number, id, conversation_id, part, author_id, body, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
    (n) => [n + 1, id(4, n), id(3, talk(n)), partOf(n), owner(talk(n)), said(n), now - rows.messages + n],
  );
  many(rows.messages, "INSERT INTO terms (rowid, words) VALUES (?, ?)", (n) => [
    n + 1,
    indexedTerms(messageMark(talk(n) + 1000, partOf(n)), said(n)).join(" "),
  ]);
  db.run("PRAGMA wal_checkpoint(TRUNCATE)");
  db.close();
}

/** The id of the newest conversation that was seeded. */
export const newestOf = (conversations: number) => id(3, conversations - 1);

/** Gives one account much of its own: live sessions, events, and messages in one conversation of whoever. */
export async function seedAccount(
  db: Db,
  userId: string,
  conversationId: string,
  rows: number,
): Promise<void> {
  const now = Date.now();
  const own = (kind: number, n: number) => `${userId.slice(0, 24)}${kind}${n.toString(16).padStart(11, "0")}`;
  const device = { user_agent: "seed", ip: "192.0.2.1" };
  await createStore(db).tx(async (tx) => {
    for (let n = 0; n < rows; n++) {
      const times = { rotated_at: now, created_at: now, authenticated_at: now, amr: "pwd", seen_at: now };
      const ends = { idle_ends_at: now + 600_000_000, ends_at: now + 600_000_000 };
      await tx.sessions.insert({
        id: own(1, n),
        user_id: userId,
        kind: "browser",
        key_thumbprint: null,
        generation: 1,
        ...times,
        ...ends,
        ...device,
      });
      const event = {
        session_id: null,
        kind: "login",
        outcome: "success" as const,
        created_at: now,
        operator: null,
      };
      await tx.security.insert({ id: own(2, n), user_id: userId, ...event, ...device });
      const message = { id: own(3, n), conversation_id: conversationId, author_id: userId };
      await tx.messages.insert({ ...message, part: 0, body: "hello", created_at: now });
      await tx.terms.setMessage(message.id, indexedTerms(messageMark(0, 0), "hello"));
    }
  });
  await db.close();
}
