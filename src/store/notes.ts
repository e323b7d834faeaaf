import type { Queryable } from "../db/index.ts";

/** What happened to a conversation; names are null once their accounts are gone. */
export type NoteRow = {
  id: string;
  conversation_id: string;
  kind: "added" | "joined" | "left" | "removed" | "renamed";
  /** Who did it, and to whom. */
  actor_id: string;
  actor_username: string | null;
  subject_id: string | null;
  subject_username: string | null;
  /** The new one. */
  title: string | null;
  created_at: number;
};

export const noteStore = (q: Queryable) => ({
  insert: (note: Omit<NoteRow, "actor_username" | "subject_username">) =>
    q.run(
      `INSERT INTO notes (id, conversation_id, kind, actor_id, subject_id, title, created_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7)`,
      note.id,
      note.conversation_id,
      note.kind,
      note.actor_id,
      note.subject_id,
      note.title,
      note.created_at,
    ),

  /** The last one of a conversation; empty without one. */
  newestIn: async (conversationId: string): Promise<string> => {
    const newest = await q.one<{ id: string | null }>(
      "SELECT max(id) AS id FROM notes WHERE conversation_id = $1",
      conversationId,
    );
    return newest?.id ?? "";
  },

  /** Some of what somebody did, or was done to them, is nobody's from now on. */
  forget: async (userId: string, limit: number) =>
    (await q.run(
      "UPDATE notes SET actor_id = '' WHERE id IN (SELECT id FROM notes WHERE actor_id = $1 LIMIT $2)",
      userId,
      limit,
    )) +
    (await q.run(
      "UPDATE notes SET subject_id = '' WHERE id IN (SELECT id FROM notes WHERE subject_id = $1 LIMIT $2)",
      userId,
      limit,
    )),

  /** What somebody did, oldest first, after a note. */
  listByActor: (actorId: string, afterId: string, limit: number) =>
    q.all<Pick<NoteRow, "id" | "conversation_id" | "kind" | "title" | "created_at">>(
      `SELECT id, conversation_id, kind, title, created_at FROM notes WHERE actor_id = $1 AND id > $2
        ORDER BY id LIMIT $3`,
      actorId,
      afterId,
      limit,
    ),

  /** Those after one message (or note) and before another, the newest of them, newest first. */
  listBetween: (conversationId: string, afterId: string, beforeId: string, limit: number) =>
    q.all<NoteRow>(
      `SELECT notes.id, notes.conversation_id, notes.kind, notes.actor_id, notes.subject_id, notes.title, notes.created_at,
              actors.username AS actor_username, subjects.username AS subject_username
         FROM notes LEFT JOIN users AS actors ON actors.id = notes.actor_id
                    LEFT JOIN users AS subjects ON subjects.id = notes.subject_id
        WHERE notes.conversation_id = $1 AND notes.id > $2 AND notes.id < $3 ORDER BY notes.id DESC LIMIT $4`,
      conversationId,
      afterId,
      beforeId,
      limit,
    ),
});
