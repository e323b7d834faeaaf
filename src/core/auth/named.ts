import { DuetError } from "../../errors.ts";
import type { Store } from "../../store/index.ts";
import type { Clock } from "../clock.ts";
import type { Endings } from "./endings.ts";
import { isOwned, type OwnedSession, type RememberedSessions } from "./remembered.ts";
import { endReasonOf } from "./rotation.ts";
import type { Claims } from "./signer.ts";
import type { Tokens } from "./tokens.ts";

export type NamedSessions = ReturnType<typeof createNamedSessions>;

/** From a token to the row of the session that it names. */
export function createNamedSessions(deps: {
  store: Store;
  remembered: RememberedSessions;
  tokens: Tokens;
  endings: Endings;
  clock: Clock;
}) {
  const { store, remembered, tokens, endings, clock } = deps;

  /** An expired refresh token is refused as that; if its session is over too, with the reason of that end. */
  async function readRefresh(refreshToken: string | undefined): Promise<Claims> {
    if (!refreshToken) throw new DuetError("token_missing");
    const verification = await tokens.verify("refresh", refreshToken);
    if (verification.ok) return verification.claims;
    // One whose row is cleared away has nothing more to tell.
    if (verification.claims && (await store.sessions.find(verification.claims.sid)))
      await requireLive(verification.claims);
    throw new DuetError(verification.code);
  }

  /**
   * The row that a token names, over or not, with its user. Error codes: `token_invalid`, `user_not_found`;
   * `session_ended` where the user is gone and the row says so.
   */
  async function findOwned({ sid, sub }: Pick<Claims, "sid" | "sub">): Promise<OwnedSession> {
    const session = await remembered.find(sid);
    if (session?.user_id !== sub)
      throw new DuetError((await store.users.find(sub)) ? "token_invalid" : "user_not_found");
    if (isOwned(session)) return session;
    if (session.ended_at !== null) return endings.refuse(session, "user_deleted");
    throw new DuetError("user_not_found");
  }

  /** The same, of a session that is not over. Error code besides: `session_ended`. */
  async function requireLive(claims: Pick<Claims, "sid" | "sub">): Promise<OwnedSession> {
    const session = await findOwned(claims);
    const reason = endReasonOf(session, clock());
    return reason ? endings.refuse(session, reason) : session;
  }

  return { readRefresh, findOwned, requireLive };
}
