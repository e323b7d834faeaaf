// The lab: does the acts without leaving the page, counts down, and draws the diary that the server keeps of the session.
(() => {
  "use strict";
  const { byId, ask, elementOf, root } = window.duet;
  const svg = byId("timeline");
  if (!svg) return;
  const words = svg.dataset;

  /** `{ entries, generations, decided, now, overlapMs, endedAt? }`; times are the server's. */
  let diary;
  /** The server's clock less ours: countdowns follow the one that decides. */
  let skewMs = 0;

  function learn() {
    diary = JSON.parse(byId("lab-state").value);
    skewMs = diary.now - Date.now();
    for (const row of byId("lab-rows").children)
      row.classList.toggle("decided", diary.decided.includes(row.dataset.row));
    if (diary.endedAt)
      for (const button of document.querySelectorAll("[data-act] button")) button.disabled = true;
    tick();
  }

  /** Puts each part in its place, if it says anything new. */
  function show(markup) {
    for (const part of elementOf(markup).children) {
      const old = byId(part.id);
      if (part.value) old.value = part.value;
      else if (old.innerHTML !== part.innerHTML) old.replaceChildren(...part.childNodes);
    }
    learn();
  }

  let acting = 0;

  async function look() {
    const response = await ask("/lab");
    if (response.ok && !diary.endedAt) show(await response.text());
  }
  // An act that ends the session is told here first; the way to the sign-in is in it.
  document.addEventListener("duet:session-ended", (event) => {
    if (acting || diary.endedAt) event.preventDefault();
  });

  // --- Acts --------------------------------------------------------------------------------------------------------------

  async function perform(act) {
    const options = { method: "POST", headers: { "HX-Request": "true" } };
    const once = () => fetch(`/auth/lab/${act}`, options);
    const answers = await Promise.all(Array.from({ length: act === "tabs" ? 5 : 1 }, once));
    const answer = answers.find(({ ok }) => !ok) ?? answers.at(-1);
    if (answer.ok) show(await answer.text());
    else if (answer.status === 401) location.assign("/login?next=/lab");
    else byId("notice").replaceChildren(elementOf(await answer.text()));
    // What ended the session is read first; the way on is in it.
    if (!diary.endedAt) await look();
  }

  document.addEventListener("submit", (event) => {
    const { act } = event.target.dataset;
    if (!act) return;
    event.preventDefault();
    const button = event.target.querySelector("button");
    button.disabled = true;
    acting++;
    perform(act)
      .catch(() => (byId("notice").textContent = words.offline))
      .finally(() => {
        acting--;
        button.disabled = !!diary.endedAt;
        byId("lab-latest").scrollIntoView({ block: "nearest" });
        if (diary.endedAt) byId("lab-latest").querySelector(".button").focus();
        else button.focus({ preventScroll: true });
      });
  });

  // --- Countdowns ----------------------------------------------------------------------------------------------------------

  function tick() {
    for (const countdown of document.querySelectorAll(".countdown")) {
      const { expires, left, day, over, ended } = countdown.dataset;
      const seconds = Math.round((Number(expires) - Date.now() - skewMs) / 1000);
      const clock = new Date(Math.max(seconds, 0) * 1000).toISOString().slice(11, 19);
      const days = Math.floor(seconds / 86_400);
      const shown = left.replace("{}", (days ? days + day : "") + clock);
      countdown.textContent = diary.endedAt ? ended : seconds <= 0 ? over : shown;
    }
    draw();
  }

  // --- The timeline ----------------------------------------------------------------------------------------------------------

  const LANES = 6;
  const LANE = 30;
  const GUTTER = 64;
  const TOP = 68;
  const FLOOR = TOP + LANES * LANE;
  const STEPS_MS = [5, 10, 20, 30, 60, 120].map((seconds) => seconds * 1000);

  function shape(name, attributes, text) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (text !== undefined) element.textContent = text;
    return element;
  }
  const label = (x, y, text, className = "") => shape("text", { x, y, class: `label ${className}` }, text);

  /** `1, 3–5` */
  function numbersOf({ entries }) {
    const runs = [];
    for (const { n } of entries) {
      const run = runs.at(-1);
      if (run?.at(-1) === n - 1) run[1] = n;
      else runs.push([n]);
    }
    return runs.map((run) => run.join("–")).join(", ");
  }
  const widthOf = (mark) => Math.max(20, 10 + numbersOf(mark).length * 7);

  function draw() {
    const width = svg.clientWidth || 800;
    const end = diary.endedAt ?? Infinity;
    const now = Math.min(Date.now() + skewMs, end);
    // The present stands at nine tenths; what is older than four minutes has gone out on the left.
    const from = Math.max(Math.min(diary.entries[0]?.at ?? now, now - 30_000), now - 240_000);
    const scale = ((width - GUTTER) * 0.9) / (now - from);
    const x = (at) => Math.max(GUTTER, Math.min(width, GUTTER + (at - from) * scale));
    const parts = [];

    const step = STEPS_MS.find((each) => each * scale > 84) ?? STEPS_MS.at(-1);
    for (let at = Math.ceil(from / step) * step; x(at) < x(now) - 70; at += step)
      parts.push(
        shape("line", { class: "tick", x1: x(at), x2: x(at), y1: 8, y2: FLOOR }),
        label(x(at), FLOOR + 18, new Date(at).toLocaleTimeString(root.lang), "middle"),
      );

    const bar = (className, y, height, start, stop) => {
      const to = Math.min(stop, end);
      if (x(to) > x(start))
        parts.push(
          shape("rect", {
            class: className,
            x: x(start),
            y,
            width: Math.max(2, x(to) - x(start)),
            height,
            rx: 3,
          }),
        );
    };
    const shown = diary.generations.slice(-LANES);
    shown.forEach(({ generation, issuedAt, usedAt, accessEndsAt }, lane) => {
      const y = TOP + lane * LANE;
      const [next, afterNext] = diary.generations.filter((each) => each.generation > generation);
      const usedNext = next?.usedAt ?? Infinity;
      parts.push(label(0, y + 19, words.generation.replace("{}", generation)));
      bar("bar-access", y + 4, 6, issuedAt, accessEndsAt);
      bar("bar-refresh", y + 13, 12, issuedAt, Math.min(usedNext, now + 60_000));
      // The one before the one before is dead, whatever the overlap.
      if (usedNext < now)
        bar(
          "bar-overlap",
          y + 13,
          12,
          usedNext,
          Math.min(usedNext + diary.overlapMs, afterNext?.issuedAt ?? Infinity),
        );
      if (usedAt > from) parts.push(shape("circle", { class: "use", cx: x(usedAt), cy: y + 19, r: 4 }));
    });

    parts.push(
      shape("line", { class: diary.endedAt ? "end" : "now", x1: x(now), x2: x(now), y1: 8, y2: FLOOR }),
      label(
        Math.min(x(now), width - 44),
        FLOOR + 18,
        diary.endedAt ? words.ended : words.now,
        "middle strong",
      ),
    );

    const isThiefs = ({ what }) => what === "steal" || what === "replay";
    const isEnd = ({ rows }) => rows.includes("reuse") || rows.includes("ended");
    for (const [y, name, isHere] of [
      [20, words.you, (entry) => !isThiefs(entry) && !entry.what.startsWith("used")],
      [48, words.thief, isThiefs],
    ]) {
      parts.push(label(0, y + 4, name));
      const marks = diary.entries
        .filter((entry) => isHere(entry) && entry.at >= from)
        .map((entry) => ({ x: x(entry.at), entries: [entry] }));
      // What lies too close together to be told apart shares a mark.
      for (let i = marks.length - 1; i > 0; i--) {
        const [one, two] = [marks[i - 1], marks[i]];
        if (one.x + widthOf(one) / 2 < two.x - widthOf(two) / 2) continue;
        one.entries.push(...two.entries);
        marks.splice(i, 1);
      }
      for (const mark of marks) {
        const size = widthOf(mark);
        const left = Math.min(mark.x - size / 2, width - size);
        const group = shape("g", { class: mark.entries.some(isEnd) ? "mark-at mark-end" : "mark-at" });
        group.append(
          shape("rect", { x: left, y: y - 10, width: size, height: 20, rx: 10 }),
          label(left + size / 2, y + 4, numbersOf(mark), "middle"),
        );
        parts.push(group);
      }
    }

    svg.setAttribute("viewBox", `0 0 ${width} ${FLOOR + 26}`);
    svg.replaceChildren(...parts);
  }

  learn();
  setInterval(tick, 1000);
  // Another tab may have refreshed: the page follows.
  setInterval(() => {
    if (document.visibilityState === "visible" && !diary.endedAt && !acting)
      void look().catch(() => undefined);
  }, 3000);
})();
