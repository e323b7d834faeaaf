// The thread as it is read: what somebody says in a row stands under one name, a line before each day, and the way back to
// where one stopped reading.
//
// DOM: ol#messages[data-days] > .message[data-author], .note, .new-line#new-line; #newer, which says how many are below; .latest, which does so on a page from the middle.

import { byId } from "./page.ts";
import { markDays } from "./times.ts";

/** As in web/thread-items.view.tsx. */
const TOGETHER_MS = 5 * 60 * 1000;

/** When it was said; one that is on its way is said now. */
const timeOf = (item: Element) => {
  const time = item.querySelector("time");
  return time ? Date.parse(time.dateTime) : Date.now();
};

const follows = (item: HTMLElement, before: HTMLElement) =>
  item.dataset["author"] !== undefined &&
  item.dataset["author"] === before.dataset["author"] &&
  timeOf(item) - timeOf(before) < TOGETHER_MS;

export function startGroups() {
  const list = byId("messages");
  if (!list) return;
  const observer = new MutationObserver(arrange);

  function arrange() {
    observer.disconnect();
    markDays(list!);
    let before: HTMLElement | null = null;
    for (const item of list!.children as HTMLCollectionOf<HTMLElement>) {
      const isMessage = item.matches(".message");
      item.classList.toggle("follows", isMessage && !!before && follows(item, before));
      before = isMessage ? item : null;
    }
    observer.observe(list!, { childList: true });
  }
  arrange();

  const line = byId("new-line");
  const scroller = list.closest(".scroll")!;
  const isSeen = line && line.getBoundingClientRect().top >= scroller.getBoundingClientRect().top;
  if (!line || isSeen || location.hash) return;
  line.scrollIntoView({ block: "start" });
  byId("newer")!.hidden = !!document.querySelector(".latest");
}
