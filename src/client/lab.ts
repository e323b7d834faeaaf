// The lab: does the acts without leaving the page, counts down, and shows each picture that the server draws of the
// session.
//
// DOM: #lab-state[value], JSON; #lab-told, #lab-picture, #lab-latest, #lab-exchange, #lab-log, #lab-holds, #lab-tokens, each
// replaced by the part of that id in an answer; [data-at] in the picture; [data-row] outside of the log; form[data-act], whose button
// has data-next while the tour asks for it; [data-expires] with words; #lab-picture[data-look][data-offline].

import { elementOf } from "./markup.ts";
import { byId, isVisible, root, say } from "./page.ts";
import { ask } from "./tokens.ts";
import type { LabState } from "./wire.ts";

export function startLab() {
  const picture = byId("lab-picture");
  if (!picture) return;

  let state: LabState;
  /** The server's clock less ours: countdowns follow the one that decides. */
  let skewMs = 0;
  const isOver = () => state.endedAt !== undefined;

  function learn() {
    state = JSON.parse(byId<HTMLDataElement>("lab-state")!.value) as LabState;
    skewMs = state.now - Date.now();
    for (const row of document.querySelectorAll<HTMLElement>(":is(.rule, .rule-rows) > [data-row]"))
      row.classList.toggle("decided", (state.decided as string[]).includes(row.dataset["row"]!));
    for (const form of document.querySelectorAll<HTMLElement>("[data-act]"))
      form.querySelector("button")!.toggleAttribute("data-next", form.dataset["act"] === state.next);
    for (const label of picture!.querySelectorAll<SVGElement>("[data-at]"))
      label.textContent = new Date(Number(label.dataset["at"])).toLocaleTimeString(root.lang);
    if (isOver())
      for (const button of document.querySelectorAll<HTMLButtonElement>("[data-act] button"))
        button.disabled = true;
    tick();
  }

  /** Of each part, as the server has drawn it: what a script has written into one since is no news. */
  const drawn = new Map<string, string>();

  /** Puts each part in its place, if it says anything new. */
  function show(markup: string) {
    for (const part of elementOf(markup).children) {
      const old = byId(part.id)!;
      const text = part.innerHTML;
      if ("value" in part) Object.assign(old, { value: part.value });
      else if (drawn.get(part.id) !== text) old.replaceChildren(...part.childNodes);
      drawn.set(part.id, text);
    }
    learn();
  }

  /** Drawn for the place where it is to be shown. */
  const sized = (url: string) => `${url}&width=${picture.clientWidth}`;

  /** What an answer shows; one without a text says that there is nothing to show any more, but a page to start from. */
  async function take(response: Response) {
    if (response.status === 204) location.reload();
    else show(await response.text());
  }

  let acting = 0;

  const place = picture.dataset["look"]!;

  async function look() {
    const response = await ask(sized(place));
    if (response.ok && !isOver()) await take(response);
  }
  // An act that ends the session is told here first; the way to the sign-in is in it.
  document.addEventListener("duet:session-ended", (event) => {
    if (acting || isOver()) event.preventDefault();
  });

  // --- Acts ---------------------------------------------------------------------------------------------------------

  async function perform(act: string, url: string) {
    const options = { method: "POST", headers: { "HX-Request": "true" } };
    const once = () => fetch(sized(url), options);
    const answers = await Promise.all(Array.from({ length: act === "tabs" ? 5 : 1 }, once));
    const answer = answers.find(({ ok }) => !ok) ?? answers.at(-1)!;
    if (answer.ok) await take(answer);
    else if (answer.status === 401) location.assign("/login?next=/lab");
    else byId("notice")!.replaceChildren(elementOf(await answer.text()));
    // What ended the session is read first; the way on is in it.
    if (!isOver()) await look();
  }

  document.addEventListener("submit", (event) => {
    const form = event.target as HTMLFormElement;
    const { act } = form.dataset;
    if (!act) return;
    event.preventDefault();
    const button = form.querySelector("button")!;
    button.disabled = true;
    acting++;
    perform(act, form.action)
      .catch(() => say(picture.dataset["offline"]!))
      .finally(() => {
        acting--;
        button.disabled = isOver();
        const latest = byId("lab-latest")!;
        latest.scrollTop = 0;
        if (isOver()) latest.querySelector<HTMLElement>(".button")!.focus();
        else button.focus({ preventScroll: true });
      });
  });

  // --- Countdowns ---------------------------------------------------------------------------------------------------

  function tick() {
    for (const countdown of document.querySelectorAll<HTMLElement>("[data-expires]")) {
      const { expires, left, day, over, ended } = countdown.dataset as Record<string, string>;
      const seconds = Math.ceil((Number(expires) - Date.now() - skewMs) / 1000);
      const clock = new Date(Math.max(seconds, 0) * 1000).toISOString().slice(11, 19);
      const days = Math.floor(seconds / 86_400);
      const isShort = countdown.matches(".wait");
      const shown = left!.replace("{}", (days ? `${days}${day}` : "") + (isShort ? clock.slice(3) : clock));
      countdown.textContent = isOver() ? ended! : seconds <= 0 ? over! : shown;
    }
  }

  learn();
  void look().catch(() => undefined);
  setInterval(tick, 1000);
  // Another tab may have refreshed: the page follows.
  setInterval(() => {
    if (isVisible() && !isOver() && !acting) void look().catch(() => undefined);
  }, 3000);
}
