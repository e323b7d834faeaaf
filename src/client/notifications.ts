// Notifications of what others say while no page of this browser is looked at; only for whoever has asked for them, by a button.
//
// DOM: button[data-notify] with the words data-on, data-off and data-denied, hidden where there are none; the item of the
// list and the message that an event brings.

import { elementOf } from "./markup.ts";
import { isVisible } from "./page.ts";
import { createShelf, localStore } from "./shelf.ts";
import type { LiveEvents } from "./wire.ts";

const wanted = createShelf(localStore, "notify:");
/** Held by every page that is looked at. */
const VISIBLE = "duet-visible";

const button = document.querySelector<HTMLButtonElement>("[data-notify]");
const isWanted = () => wanted.get("on") !== "" && Notification.permission === "granted";

/** Of several hidden pages each says the same, which its tag makes one. */
export async function notify({ conversation, html, item }: LiveEvents["message"]) {
  if (!button || isVisible() || !isWanted() || elementOf(html).matches(".own")) return;
  const { held = [] } = await navigator.locks.query();
  if (held.some(({ name }) => name === VISIBLE)) return;
  const row = elementOf(item);
  const textOf = (part: string) => row.querySelector(part)?.textContent.trim() ?? "";
  try {
    const shown = new Notification(textOf(".list-title"), { body: textOf(".preview"), tag: conversation });
    shown.addEventListener("click", () => {
      window.focus();
      location.assign(`/conversations/${conversation}`);
    });
  } catch {
    // A telephone shows them only by a service worker, which there is none of.
    wanted.set("on", "");
    button.hidden = true;
  }
}

/** For as long as this page is looked at. */
function holdWhileVisible() {
  if (!isVisible()) return;
  void navigator.locks.request(
    VISIBLE,
    { mode: "shared" },
    () =>
      new Promise<void>((resolve) => {
        if (!isVisible()) return resolve();
        addEventListener("visibilitychange", () => resolve(), { once: true });
      }),
  );
}

export function startNotifications() {
  if (!button || !("Notification" in window) || !("locks" in navigator)) return;
  const words = button.dataset;
  const draw = () => {
    const isDenied = Notification.permission === "denied";
    button.disabled = isDenied;
    button.textContent = words[isDenied ? "denied" : isWanted() ? "off" : "on"]!;
  };
  button.hidden = false;
  draw();
  button.addEventListener("click", () => {
    wanted.set("on", isWanted() ? "" : "yes");
    void Promise.resolve(Notification.requestPermission()).then(draw);
  });
  holdWhileVisible();
  document.addEventListener("visibilitychange", holdWhileVisible);
}
