// Times in the reader's own zone and language.
//
// DOM: <time datetime [data-precise] [data-of-day]>, the last in a list with data-days; one that is done has data-local.

import { root } from "./page.ts";

export const DATE_AND_TIME = { dateStyle: "medium", timeStyle: "short" } as const;

let today = new Date().toDateString();

export function localizeTimes(within: ParentNode = document) {
  for (const time of within.querySelectorAll<HTMLTimeElement>("time:not([data-local])")) {
    const at = new Date(time.dateTime);
    const isToday = "ofDay" in time.dataset || at.toDateString() === today;
    const timeStyle = "precise" in time.dataset ? "medium" : "short";
    time.textContent = at.toLocaleString(root.lang, isToday ? { timeStyle } : DATE_AND_TIME);
    time.title = at.toLocaleString(root.lang, { dateStyle: "full", timeStyle: "medium" });
    if ("ofDay" in time.dataset) sayInFull(time);
    time.dataset["local"] = "";
  }
}

/** Whoever listens has not the day's line in view. */
function sayInFull(time: HTMLElement) {
  const [short, full] = [time.textContent, time.title].map((text) =>
    Object.assign(document.createElement("span"), { textContent: text }),
  );
  short!.setAttribute("aria-hidden", "true");
  full!.className = "visually-hidden";
  time.replaceChildren(short!, full!);
}

const dayOf = (item: Element | undefined) => {
  const time = item?.querySelector("time");
  return time ? new Date(time.dateTime).toDateString() : "";
};

/**
 * A line before the first of each day, as the reader has them, from one item on. What is in its place stays there.
 */
export function markDays(list: Element, from = 0) {
  const items = [...list.querySelectorAll(":scope > li")];
  let day = "";
  for (let before = from - 1; before >= 0 && day === ""; before--) day = dayOf(items[before]);
  for (const item of items.slice(from)) {
    // What nothing comes after any more.
    if (item.matches(".day") && !item.nextElementSibling?.querySelector("time, span")) item.remove();
    const own = dayOf(item);
    if (own === "") continue;
    let first = item;
    while (first.previousElementSibling?.matches(".new-line")) first = first.previousElementSibling;
    const mark = first.previousElementSibling;
    const isMarked = mark?.matches(".day");
    const isNew = own !== day;
    day = own;
    if (isMarked && isNew && (mark as HTMLElement).dataset["day"] === day) continue;
    if (isMarked) mark!.remove();
    if (!isNew) continue;
    const line = document.createElement("li");
    line.className = "day";
    line.dataset["day"] = day;
    line.textContent = new Date(day).toLocaleDateString(root.lang, { dateStyle: "full" });
    first.before(line);
  }
}

export function startTimes() {
  localizeTimes();
  for (const list of document.querySelectorAll("[data-days]")) markDays(list);
  // After midnight what was today's has a date.
  setInterval(() => {
    if (new Date().toDateString() === today) return;
    today = new Date().toDateString();
    for (const time of document.querySelectorAll<HTMLTimeElement>("time")) delete time.dataset["local"];
    localizeTimes();
  }, 60_000);
}
