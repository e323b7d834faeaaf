// One event stream for all tabs of a browser: the tab that holds the lock reads it and tells the others. A browser has six
// connections to a host over HTTP/1.1, so a stream in each tab would leave nothing for the pages.
//
// Every page applies all events, none twice, none left out: each names the one `after` which it was told. A page to
// which one is missing says how far it is, and is told the rest once more.
(() => {
  "use strict";
  const { root, tabs, generation, refresh, signInAgain, SessionEnded, changes } = window.duet;
  if (!changes) return;

  const { viewer } = root.dataset;
  const { show, isSeen, isLeaving } = changes;
  /** Everything up to this change is on the page. */
  let place = Number(root.dataset.place);

  const channel = new BroadcastChannel(`duet-live-${viewer}`);

  function apply({ kind, after, id, data }) {
    if (after > place && kind !== "reset") return channel.postMessage({ hello: place });
    if (id <= place && kind !== "reset") return;
    place = id;
    show[kind](data);
  }

  /** This tab holds the lock. It has no stream for as long as its session is over. */
  let leads = false;
  let source = null;
  /** What was told lately, and how far that goes. */
  let told = [];
  let toldTo = place;
  /** The generation with which the stream was begun. */
  let seen;
  let failures = 0;
  let watch;

  function tell(kind, { lastEventId, data }) {
    keepWatch();
    const event = { kind, after: toldTo, id: Number(lastEventId), data: JSON.parse(data) };
    toldTo = event.id;
    told = [...told.slice(-499), event];
    channel.postMessage({ event });
    apply(event);
  }

  /** A connection that has died without a word: there is a heartbeat every 15 seconds. */
  function keepWatch() {
    clearTimeout(watch);
    watch = setTimeout(renew, 60_000);
  }

  function stop() {
    source?.close();
    source = null;
    clearTimeout(watch);
  }

  function listen(from) {
    stop();
    told = [];
    toldTo = from;
    seen = generation();
    keepWatch();
    const stream = new EventSource(`/live?after=${from}&viewer=${viewer}`);
    source = stream;
    for (const kind of Object.keys(show)) stream.addEventListener(kind, (event) => tell(kind, event));
    stream.addEventListener("ready", () => (failures = 0));
    stream.addEventListener("token_expired", renew);
    stream.addEventListener("session_ended", ({ data }) => tellEnded(JSON.parse(data)));
    // While it reconnects by itself there is nothing to do; a refusal ends it.
    stream.addEventListener("error", () => {
      if (stream === source && stream.readyState === EventSource.CLOSED) void renew();
    });
  }

  let renewing = false;

  /** A good token, then the stream again from where it was. */
  async function renew() {
    if (renewing) return;
    renewing = true;
    stop();
    try {
      const pause = failures === 0 ? 0 : Math.min(500 * 2 ** failures, 15_000);
      failures++;
      await new Promise((resolve) => setTimeout(resolve, pause));
      await refresh(seen);
    } catch (error) {
      if (error instanceof SessionEnded) return tellEnded(error.problem);
    } finally {
      renewing = false;
    }
    if (leads) listen(toldTo);
  }

  function tellEnded(problem) {
    channel.postMessage({ ended: problem });
    void ended(problem);
  }

  async function ended(problem) {
    stop();
    if (isLeaving()) return;
    // Signed out in another tab: the cookies go a moment after the session.
    for (let i = 0; i < 20 && problem.reason === "logout" && generation() !== ""; i++)
      await new Promise((resolve) => setTimeout(resolve, 100));
    if (problem.reason === "logout" && generation() === "") return location.replace("/login");
    // Whoever would rather not now is asked again by the next thing that needs a token.
    await signInAgain(new SessionEnded(problem)).catch(() => undefined);
  }
  document.addEventListener("duet:signed-in", () => {
    if (leads && !source) listen(toldTo);
  });

  channel.addEventListener("message", ({ data }) => {
    if (data.event) apply(data.event);
    if (data.ended) void ended(data.ended);
    if (data.whoIsThere) channel.postMessage({ hello: place });
    if (data.hello === undefined || !source) return;
    // A page that is older than what is kept here: once more from there, for all.
    if (data.hello < (told[0]?.after ?? toldTo)) listen(data.hello);
    else for (const event of told) if (event.id > data.hello) channel.postMessage({ event });
  });

  let waits = false;

  /** Reads for all, from when the lock is this tab's until the tab goes or another takes it. */
  function lead(options) {
    if (waits && !options.steal) return;
    if (!options.steal) waits = true;
    navigator.locks
      .request("duet-live", options, () => {
        if (!options.steal) waits = false;
        leads = true;
        listen(place);
        channel.postMessage({ whoIsThere: true });
        return new Promise(() => {});
      })
      .catch(() => {
        leads = false;
        stop();
        lead({});
      });
  }
  // A tab that nobody sees may be put to sleep with the lock in its hand: the one that is looked at takes it.
  const takeOver = () => isSeen() && !leads && lead({ steal: true });
  document.addEventListener("visibilitychange", takeOver);
  takeOver();
  lead({});

  tabs.addEventListener("message", ({ data }) => {
    if (data.signedOut && generation() === "") stop();
  });
  channel.postMessage({ hello: place });
})();
