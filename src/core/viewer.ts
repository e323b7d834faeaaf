/** Who is calling, as the database says now. Queries take the viewer's id: what belongs to others is `not_found`. */
export type Viewer = {
  userId: string;
  username: string;
  email: string | null;
  sessionId: string;
  /** When the access token that was shown expires, in epoch milliseconds. */
  tokenExpiresAt: number;
};

/** As much of a viewer as decides what is theirs. */
export type ViewerId = Pick<Viewer, "userId">;
