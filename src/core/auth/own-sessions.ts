import { DuetError } from "../../errors.ts";
import type { Store } from "../../store/index.ts";
import type { SessionRow } from "../../store/sessions.ts";
import type { Clock } from "../clock.ts";
import { everyRow, pageLimit, pageOf, readCursor, writeCursor, type Page, type Place } from "../page.ts";
import type { ViewerId } from "../viewer.ts";
import type { Device } from "./devices.ts";
import type { Endings } from "./endings.ts";

export type OwnSessions = ReturnType<typeof createOwnSessions>;

/** The viewer's own sessions, which people know as their devices: to look at, and to end from any other. */
export function createOwnSessions(deps: { store: Store; endings: Endings; clock: Clock }) {
  const { store, endings, clock } = deps;

  /**
   * The viewer's live sessions, the last one rotated or first used first. Nothing in them is a credential. Error code:
   * `validation_failed`.
   */
  async function list(
    viewer: ViewerId,
    page: { limit?: number | undefined; cursor?: string | undefined } = {},
  ): Promise<Page<SessionRow>> {
    const limit = pageLimit(page.limit);
    const before = readCursor(page.cursor);
    const rows = await store.sessions.listLive(viewer.userId, clock(), before, limit + 1);
    return pageOf(rows, limit, (last) => writeCursor(placeOf(last)));
  }

  /** All of them, however many. */
  const everyLive = (viewer: ViewerId): AsyncIterable<SessionRow> =>
    everyRow<SessionRow>((last, limit) =>
      store.sessions.listLive(viewer.userId, clock(), last && placeOf(last), limit),
    );

  /** Ends one of the viewer's own sessions, from whichever device. Error code: `not_found`. */
  async function revoke(viewer: ViewerId, sessionId: string, device: Device) {
    if (!(await endings.end(sessionId, "revoked", device, { userId: viewer.userId })))
      throw new DuetError("not_found");
  }

  return { list, everyLive, revoke };
}

const placeOf = ({ seen_at: time, id }: SessionRow): Place => ({ time, id });
