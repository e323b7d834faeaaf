import { DuetError } from "../../errors.ts";
import type { Store } from "../../store/index.ts";
import { readFactorName } from "./factors.ts";
import type { Clock } from "../clock.ts";
import { everyRow, pageLimit, pageOf, readCursor, writeCursor, type Page, type Place } from "../page.ts";
import type { ViewerId } from "../viewer.ts";
import type { Device } from "./devices.ts";
import type { Endings } from "./endings.ts";
import type { Throttle } from "./throttle.ts";

/** As its user sees it among theirs, by the name that they have given it. */
export type OwnSession = Awaited<ReturnType<Store["sessions"]["listLive"]>>[number];

export type OwnSessions = ReturnType<typeof createOwnSessions>;

/** The viewer's own sessions, which people know as their devices: to look at, and to end from any other. */
export function createOwnSessions(deps: {
  store: Store;
  endings: Endings;
  throttle: Throttle;
  clock: Clock;
}) {
  const { store, endings, throttle, clock } = deps;

  /**
   * The viewer's live sessions, the last one rotated or first used first. Nothing in them is a credential. Error code:
   * `validation_failed`.
   */
  async function list(
    viewer: ViewerId,
    page: { limit?: number | undefined; cursor?: string | undefined } = {},
  ): Promise<Page<OwnSession>> {
    const limit = pageLimit(page.limit);
    const before = readCursor(page.cursor);
    const rows = await store.sessions.listLive(viewer.userId, clock(), before, limit + 1);
    return pageOf(rows, limit, (last) => writeCursor(placeOf(last)));
  }

  /** All of them, however many. */
  const everyLive = (viewer: ViewerId): AsyncIterable<OwnSession> =>
    everyRow<OwnSession>((last, limit) =>
      store.sessions.listLive(viewer.userId, clock(), last && placeOf(last), limit),
    );

  /** Ends one of the viewer's own sessions, from whichever device. Error code: `not_found`. */
  async function revoke(viewer: ViewerId, sessionId: string, device: Device) {
    if (!(await endings.end(sessionId, "revoked", device, { userId: viewer.userId })))
      throw new DuetError("not_found");
  }

  /**
   * Gives one of the viewer's own sessions a name, or takes it away where it is empty. Error codes: `not_found`,
   * `validation_failed`, `rate_limited`.
   */
  async function rename(viewer: ViewerId, sessionId: string, name: string): Promise<void> {
    const given = name.trim() === "" ? null : readFactorName(name, name);
    await throttle.take(["profile_account", viewer.userId]);
    const isOwn =
      given === null
        ? (await store.sessions.find(sessionId))?.user_id === viewer.userId
        : await store.deviceNames.set(viewer.userId, sessionId, given);
    if (!isOwn) throw new DuetError("not_found");
    if (given === null) await store.deviceNames.remove(viewer.userId, sessionId);
  }

  return { list, everyLive, revoke, rename };
}

const placeOf = ({ seen_at: time, id }: OwnSession): Place => ({ time, id });
