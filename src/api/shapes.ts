import { t, type Static, type TSchema } from "elysia";
import type { Conversation } from "../core/chat/conversations.ts";
import type { Message } from "../core/chat/messages.ts";
import type { Proofs, Showing } from "../core/auth/proofs.ts";
import type { IssuedTokens, ProvedStart } from "../core/auth/sessions.ts";
import { DuetError } from "../errors.ts";
import type { Begun } from "../core/auth/sign-ins.ts";
import { named } from "../http/reference.ts";

/** What goes in and out of several routes: of each answer the schema that the reference shows, and beside it what makes it. */

/** RFC 3339. */
export const Time = t.String({ format: "date-time" });

export const timeBody = (ms: number): string => new Date(ms).toISOString();

export const orNull = <T extends TSchema>(schema: T) => t.Union([schema, t.Null()]);

export const Id = t.String({ format: "uuid" });

/** Elysia's own takes text for a number, as a query has it. */
export const Whole = t.Unsafe<number>({ type: "integer" });

/** How a session was started. */
export const SessionKinds = t.UnionEnum(["browser", "program"]);

/** One page of a list. */
export const Page = <T extends TSchema>(item: T) =>
  t.Object({ items: t.Array(item), next: orNull(t.String()) });

/** Bounds live in core, which pages use too; here is only what text can be a number at all. */
export const pageQuery = { limit: t.Optional(t.String()) };

export const limitOf = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;

const pair = {
  access_token: t.String(),
  refresh_token: t.String(),
  token_type: t.UnionEnum(["bearer", "DPoP"]),
  expires_in: Whole,
  refresh_expires_in: Whole,
};

export const TokenPair = named("TokenPair", t.Object(pair));

/** RFC 6749 section 5.1; `no-store` is on every answer already. */
export const tokenBody = (issued: IssuedTokens): Static<typeof TokenPair> => ({
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

export const User = named(
  "User",
  t.Object({ id: Id, username: t.String(), email: orNull(t.String({ format: "email" })) }),
);

export const userBody = ({ id, username, email }: Static<typeof User>): Static<typeof User> => ({
  id,
  username,
  email,
});

export const SignedIn = named("SignedIn", t.Object({ ...pair, user: User }));

/** The answer to a sign-in. Error code: `second_factor_required` where more is asked for. */
export function signedInBody({ signedIn, asked }: Begun): Static<typeof SignedIn> {
  if (!signedIn) throw new DuetError("second_factor_required", { asked });
  return { ...tokenBody(signedIn.issued), user: userBody(signedIn.user) };
}

/** As a browser has it or gets it (Web Authentication, as JSON); what is in it is its library's to know. */
export const PasskeyJson = t.Object({}, { additionalProperties: true });

export const ConversationBody = named(
  "Conversation",
  t.Object({
    id: Id,
    title: t.String(),
    unread: Whole,
    owner_id: Id,
    created_at: Time,
    updated_at: Time,
  }),
);

export const conversationBody = (c: Conversation): Static<typeof ConversationBody> => ({
  id: c.id,
  title: c.title,
  unread: c.unread,
  owner_id: c.owner_id,
  created_at: timeBody(c.created_at),
  updated_at: timeBody(c.updated_at),
});

const message = {
  id: Id,
  conversation_id: Id,
  author: orNull(t.Object({ id: Id, username: t.String() })),
  body: t.String(),
  created_at: Time,
  edited_at: orNull(Time),
  removed: t.Boolean(),
};

export const MessageBody = named("Message", t.Object(message));
export const FoundMessage = named("FoundMessage", t.Object({ ...message, conversation_title: t.String() }));

export const messageBody = (m: Message): Static<typeof MessageBody> => ({
  id: m.id,
  conversation_id: m.conversation_id,
  author:
    m.author_id === null || m.author_username === null
      ? null
      : { id: m.author_id, username: m.author_username },
  body: m.body,
  created_at: timeBody(m.created_at),
  edited_at: m.edited_at === null ? null : timeBody(m.edited_at),
  removed: m.removed_at !== null,
});
