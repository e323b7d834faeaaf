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
  const observer = new MutationObserver((records) => arrange(firstIn(records)));

  /** Where the first change is, with the two items before it: no more is concerned by what comes at the end of a long list. */
  function firstIn(records: MutationRecord[]): number {
    const items = [...list!.children];
    const places = records.map(({ previousSibling }) => items.indexOf(previousSibling as Element));
    return Math.max(0, Math.min(...places) - 2);
  }

  function arrange(from: number) {
    observer.disconnect();
    markDays(list!, from);
    const items = [...list!.children].slice(from) as HTMLElement[];
    let before: HTMLElement | null = null;
    for (const [i, item] of items.entries()) {
      const isMessage = item.matches(".message");
      // What the first of them follows is not among them.
      if (i > 0 || from === 0)
        item.classList.toggle("follows", isMessage && !!before && follows(item, before));
      before = isMessage ? item : null;
    }
    observer.observe(list!, { childList: true });
  }
  arrange(0);

  const line = byId("new-line");
  const scroller = list.closest(".scroll")!;
  const isSeen = line && line.getBoundingClientRect().top >= scroller.getBoundingClientRect().top;
  if (!line || isSeen || location.hash) return;
  line.scrollIntoView({ block: "start" });
  byId("newer")!.hidden = !!document.querySelector(".latest");
}
