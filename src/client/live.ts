// One event stream for all tabs of a browser: the tab that leads reads it and tells the others. A browser has six
// connections to a host over HTTP/1.1, so a stream in each tab would leave nothing for the pages.
//
// DOM: html[data-place], from where on the page follows.

import { isLeaving, SHOW } from "./changes.ts";
import { createBacklog, createPlace, type FeedEvent, type LiveKind, type PlaceName } from "./feed.ts";
import { createLeader } from "./leader.ts";
import { isVisible, pause, root, sayBehind, viewer } from "./page.ts";
import { openChannel, tabs } from "./tabs.ts";
import { generation, refresh, sessionIn, SessionEnded, signInAgain } from "./tokens.ts";
import type { EndedSession, LiveEvents } from "./wire.ts";

/** There is a heartbeat every 15 seconds: without one for this long the connection has died without a word. */
const SILENCE_MS = 60_000;

/** What the tabs of one person tell each other of the stream. */
type LiveMessage = {
  event?: FeedEvent;
  ended?: EndedSession;
  /** Of a page that has something missing after this place. */
  hello?: PlaceName;
  /** Of a new leader: who is behind? */
  whoIsThere?: true;
  /** Whether there is no stream, in spite of trying. */
  isBehind?: boolean;
};

export function startLive() {
  if (root.dataset["place"] === undefined) return;

  const { tell, hear } = openChannel<LiveMessage>(`duet-live-${viewer}`);
  const show = <K extends LiveKind>({ kind, data }: { kind: K; data: LiveEvents[K] }) => SHOW[kind](data);
  const place = createPlace(root.dataset["place"], show, (hello) => tell({ hello }));

  // --- The tab that leads. It has no stream for as long as its session is over. -------------------------------------

  let backlog = createBacklog(place.id);
  let source: EventSource | null = null;
  /** The generation with which the stream was begun. */
  let seen: string;
  let failures = 0;
  let watch: ReturnType<typeof setTimeout>;

  function keepWatch() {
    clearTimeout(watch);
    watch = setTimeout(renew, SILENCE_MS);
  }

  function stop() {
    source?.close();
    source = null;
    clearTimeout(watch);
  }

  function listen(from: PlaceName) {
    stop();
    backlog = createBacklog(from);
    seen = generation();
    keepWatch();
    const stream = new EventSource(`/live?after=${from}&viewer=${viewer}`);
    source = stream;
    for (const kind of Object.keys(SHOW) as LiveKind[])
      stream.addEventListener(kind, ({ lastEventId, data }: MessageEvent<string>) => {
        keepWatch();
        const event = backlog.add(kind, lastEventId, JSON.parse(data) as LiveEvents[LiveKind]);
        tell({ event });
        place.take(event);
      });
    stream.addEventListener("ready", () => {
      if (failures > 1) showBehind(false);
      failures = 0;
    });
    stream.addEventListener("token_expired", renew);
    stream.addEventListener(
      "session_ended",
      ({ data }: MessageEvent<string>) => void tellEnded(JSON.parse(data) as EndedSession),
    );
    // While it reconnects by itself there is nothing to do; a refusal ends it.
    stream.addEventListener("error", () => {
      if (stream === source && stream.readyState === EventSource.CLOSED) void renew();
    });
  }

  function showBehind(isBehind: boolean) {
    tell({ isBehind });
    sayBehind(isBehind);
  }

  let isRenewing = false;

  /** A good token, then the stream again from where it was. */
  async function renew() {
    if (isRenewing) return;
    isRenewing = true;
    stop();
    try {
      await pause(failures === 0 ? 0 : Math.min(500 * 2 ** failures, 15_000));
      if (++failures > 1) showBehind(true);
      await refresh(seen);
    } catch (error) {
      if (error instanceof SessionEnded) return tellEnded(error.ended);
    } finally {
      isRenewing = false;
    }
    if (leader.leads) listen(backlog.end);
  }

  async function tellEnded(session: EndedSession) {
    stop();
    // Signed out, or a new password, in another tab: the cookies go, or are a new session's, a moment after.
    const isOurs =
      session.reason === "logout" ||
      session.reason === "password_changed" ||
      session.reason === "factors_changed";
    for (let i = 0; i < 20 && isOurs && sessionIn(generation()) === sessionIn(seen); i++) await pause(100);
    if (generation() !== "" && sessionIn(generation()) !== sessionIn(seen)) {
      if (leader.leads) listen(backlog.end);
      return;
    }
    tell({ ended: session });
    void end(session);
  }

  async function end(session: EndedSession) {
    stop();
    if (isLeaving()) return;
    if (session.reason === "logout" && generation() === "") return location.replace("/login");
    // Whoever would rather not now is asked again by the next thing that needs a token.
    await signInAgain(new SessionEnded(session)).catch(() => undefined);
  }

  document.addEventListener("duet:signed-in", () => {
    if (leader.leads && !source) listen(backlog.end);
  });

  hear(({ event, ended, whoIsThere, hello, isBehind }) => {
    if (isBehind !== undefined) sayBehind(isBehind);
    if (event) place.take(event);
    if (ended) void end(ended);
    if (whoIsThere) tell({ hello: place.id });
    if (hello === undefined || !source) return;
    const missed = backlog.since(hello);
    // A page that is older than what is kept here: once more from there, for all.
    if (missed) for (const each of missed) tell({ event: each });
    else listen(hello);
  });

  const leader = createLeader(navigator.locks, {
    lead() {
      listen(place.id);
      tell({ whoIsThere: true });
    },
    follow: stop,
  });
  leader.start({ atOnce: isVisible() });
  document.addEventListener("visibilitychange", () => isVisible() && leader.takeOver());

  tabs.hear(({ signedOut }) => {
    if (signedOut && generation() === "") stop();
  });
  tell({ hello: place.id });
}
