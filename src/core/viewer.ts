/** Who is calling, as the database says now. Queries take the viewer's id: what belongs to others is `not_found`. */
export type Viewer = {
  userId: string;
  username: string;
  email: string | null;
  sessionId: string;
  /** How that session was started: one that takes its place is started so too. */
  start: Start;
  /** Of the token that was shown: its generation, when and by what its holder last proved who they are (epoch milliseconds, RFC 8176). */
  generation: number;
  authenticatedAt: number;
  amr: string[];
  /** When the access token that was shown was issued, and when it expires, in epoch milliseconds. */
  tokenIssuedAt: number;
  tokenExpiresAt: number;
};

/** As much of a viewer as decides what is theirs. */
export type ViewerId = Pick<Viewer, "userId">;

/**
 * How a session is started, which is so for ever: by a page, whose tabs wait for one another, or by a program, of which
 * several may hold one token; and the thumbprint (RFC 7638) of the key that holds it, if one does.
 */
export type Start = { kind: "browser" | "program"; key: string | null };
