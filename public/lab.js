// The lab: does the acts without leaving the page, counts down, and draws the session as it goes on.
(() => {
  "use strict";
  const { root, byId, generation, send, elementOf } = window.duet;
  const svg = byId("timeline");
  if (!svg) return;

  // --- What is known of the session: one entry per generation, and what was done -----------------------------------------

  const stored = `lab:${generation().split(".")[0]}`;
  const known = JSON.parse(sessionStorage.getItem(stored) ?? '{"tokens":[],"acts":[]}');
  /** The server's clock less ours: countdowns follow the one that decides. */
  let skewMs = 0;
  let overlapMs = 0;

  function learn() {
    const state = JSON.parse(byId("lab-state").value);
    skewMs = state.now - Date.now();
    overlapMs = state.overlapMs;
    const token = known.tokens.find(({ gen }) => gen === state.generation) ?? { gen: state.generation };
    if (!known.tokens.includes(token)) known.tokens.push(token);
    token.issuedAt = state.rotatedAt;
    token.usedAt = state.confirmedAt;
    if (state.access.gen === state.generation)
      Object.assign(token, { accessFrom: state.access.iat * 1000, accessTo: state.access.exp * 1000 });
    known.tokens = known.tokens.sort((a, b) => a.gen - b.gen).slice(-30);
    sessionStorage.setItem(stored, JSON.stringify(known));
  }

  async function look() {
    const options = { headers: { "HX-Request": "true", "Duet-Viewer": root.dataset.viewer } };
    const response = await send("/lab", { method: "GET", ...options }, {}, fetch);
    if (!response.ok) return;
    const holder = elementOf(`<div>${await response.text()}</div>`);
    byId("lab-tokens").replaceChildren(...holder.childNodes);
    learn();
    tick();
  }

  // --- Acts --------------------------------------------------------------------------------------------------------------

  const ask = (act) => fetch(`/auth/lab/${act}`, { method: "POST", headers: { "HX-Request": "true" } });

  async function perform(act) {
    const answers = await Promise.all(Array.from({ length: act === "tabs" ? 5 : 1 }, () => ask(act)));
    const items = [];
    for (const answer of answers) if (answer.ok) items.push(elementOf(await answer.text()));
    const [item, ...others] = items;
    if (!item) return look();
    for (const other of others) item.append(...other.querySelectorAll(".verdict"));
    const rows = [...item.querySelectorAll("[data-row]")].map(({ dataset }) => dataset.row);
    const log = byId("lab-log");
    log.querySelector(":scope > .muted")?.remove();
    log.prepend(item);
    known.acts = [...known.acts, { act, rows, at: Date.now() + skewMs }].slice(-50);
    for (const row of byId("lab-rows").children)
      row.classList.toggle("decided", rows.includes(row.dataset.row));
    // What ended the session is read first; the way on is in it.
    if (!item.querySelector("a")) await look();
    draw();
  }

  document.addEventListener("submit", (event) => {
    const { act } = event.target.dataset;
    if (!act) return;
    event.preventDefault();
    const button = event.target.querySelector("button");
    button.disabled = true;
    perform(act)
      .catch(() => (byId("notice").textContent = byId("notice").dataset.offline))
      .finally(() => {
        button.disabled = false;
        button.focus();
      });
  });

  // --- Countdowns ----------------------------------------------------------------------------------------------------------

  function tick() {
    for (const countdown of document.querySelectorAll(".countdown")) {
      const seconds = Math.round((Number(countdown.dataset.expires) - Date.now() - skewMs) / 1000);
      const [d, h, m, s] = [86_400, 3600, 60, 1].map((unit, i, units) =>
        Math.floor((i ? seconds % units[i - 1] : seconds) / unit),
      );
      const clock = [h, m, s].map((n) => String(n).padStart(2, "0")).join(":");
      countdown.textContent =
        seconds <= 0 ? countdown.dataset.over : `${d ? `${d} d ` : ""}${clock} ${countdown.dataset.left}`;
    }
    draw();
  }

  // --- The timeline ----------------------------------------------------------------------------------------------------------

  const WIDTH = 800;
  const SPAN_MS = 4 * 60_000;

  function shape(name, attributes, text) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (text !== undefined) element.textContent = text;
    return element;
  }

  function draw() {
    const now = Date.now() + skewMs;
    const first = known.tokens[0]?.issuedAt ?? now;
    // The present stands at four fifths; what is older than the span has gone out on the left.
    const from = Math.max(Math.min(first, now - 30_000), now - SPAN_MS);
    const end =
      known.acts.find(({ rows }) => rows.includes("reuse") || rows.includes("ended"))?.at ?? Infinity;
    const x = (time) => Math.max(-20, Math.min(WIDTH + 20, ((time - from) / (now - from)) * WIDTH * 0.8));
    const parts = [];
    const bar = (className, y, start, stop, title) => {
      const rect = shape("rect", {
        class: className,
        x: x(start),
        y,
        width: Math.max(2, x(Math.min(stop, end)) - x(start)),
        height: 16,
        rx: 4,
      });
      rect.append(shape("title", {}, title));
      parts.push(rect);
    };
    known.tokens.forEach((token, i) => {
      const lane = i % 3;
      const next = known.tokens[i + 1];
      if (token.accessTo)
        bar("bar-access", 20 + lane * 20, token.accessFrom, token.accessTo, `at+jwt, gen ${token.gen}`);
      const diesAt = next?.usedAt ?? Infinity;
      bar("bar-refresh", 110 + lane * 20, token.issuedAt, diesAt, `rt+jwt, gen ${token.gen}`);
      if (next?.usedAt)
        bar("bar-overlap", 110 + lane * 20, diesAt, diesAt + overlapMs, `overlap, gen ${token.gen}`);
      parts.push(
        shape("text", { class: "bar-label", x: x(token.issuedAt) + 5, y: 122 + lane * 20 }, token.gen),
      );
    });
    for (const { act, rows, at } of known.acts) {
      const isEnd = rows.includes("reuse") || rows.includes("ended");
      const dot = shape("circle", {
        class: isEnd ? "dot dot-end" : "dot",
        cx: x(at),
        cy: 92,
        r: isEnd ? 9 : 6,
      });
      dot.append(shape("title", {}, `${act}: ${rows.join(", ")}`));
      parts.push(dot);
    }
    parts.push(
      shape("line", { class: "now", x1: x(now), x2: x(now), y1: 8, y2: 180 }),
      shape(
        "text",
        { class: "bar-label", x: x(now) + 6, y: 196 },
        new Intl.DateTimeFormat(root.lang, { timeStyle: "medium" }).format(now - skewMs),
      ),
    );
    svg.replaceChildren(...parts);
  }

  learn();
  tick();
  // On a narrow screen the present is what is seen first.
  svg.parentElement.scrollLeft = svg.parentElement.scrollWidth;
  setInterval(tick, 1000);
  // Another tab may have refreshed: the page follows.
  setInterval(() => {
    if (document.visibilityState === "visible" && !document.querySelector("dialog[open], #lab-log a"))
      void look().catch(() => undefined);
  }, 5000);
})();
