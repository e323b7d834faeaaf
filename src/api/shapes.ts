import { t } from "elysia";
import type { Conversation } from "../core/chat/conversations.ts";
import type { Message } from "../core/chat/messages.ts";
import type { Proofs, Showing } from "../core/auth/proofs.ts";
import type { IssuedTokens, ProvedStart } from "../core/auth/sessions.ts";

/** What goes in and out of several routes. */

/** Bounds live in core, which pages use too; here is only what text can be a number at all. */
export const pageQuery = { limit: t.Optional(t.String()) };

export const limitOf = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;

/** RFC 6749 section 5.1; `no-store` is on every answer already. */
export const tokenBody = (issued: IssuedTokens) => ({
  access_token: issued.accessToken,
  refresh_token: issued.refreshToken,
  token_type: issued.isHeld ? "DPoP" : "bearer",
  expires_in: issued.accessExpiresIn,
  refresh_expires_in: issued.refreshExpiresIn,
});

/** What a program's session is started with: bound to the key of a proof that came along, and then for ever (RFC 9449 section 5). */
export async function programStart(
  proofs: Proofs,
  showing: Showing,
  set: { headers: Record<string, unknown> },
): Promise<ProvedStart> {
  const proof = await proofs.check(showing);
  if (proof) set.headers["dpop-nonce"] = proofs.nonce();
  return { kind: "program", key: proof?.key ?? null, proof };
}

export const userBody = ({
  id,
  username,
  email,
}: {
  id: string;
  username: string;
  email: string | null;
}) => ({
  id,
  username,
  email,
});

/** RFC 3339. */
export const timeBody = (ms: number): string => new Date(ms).toISOString();

export const conversationBody = (c: Conversation) => ({
  id: c.id,
  title: c.title,
  unread: c.unread,
  owner_id: c.owner_id,
  created_at: timeBody(c.created_at),
  updated_at: timeBody(c.updated_at),
});

export const messageBody = (m: Message) => ({
  id: m.id,
  conversation_id: m.conversation_id,
  author: m.author_id === null ? null : { id: m.author_id, username: m.author_username },
  body: m.body,
  created_at: timeBody(m.created_at),
  edited_at: m.edited_at === null ? null : timeBody(m.edited_at),
  removed: m.removed_at !== null,
});
