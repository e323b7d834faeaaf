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
    time.dataset["local"] = "";
  }
}

/** A line before the first of each day, as the reader has them. */
function markDays() {
  for (const mark of document.querySelectorAll("[data-days] > .day")) mark.remove();
  for (const list of document.querySelectorAll("[data-days]")) {
    let day = "";
    for (const time of list.querySelectorAll("time")) {
      const at = new Date(time.dateTime);
      if (at.toDateString() === day) continue;
      day = at.toDateString();
      const mark = document.createElement("li");
      mark.className = "day";
      mark.textContent = at.toLocaleDateString(root.lang, { dateStyle: "full" });
      time.closest("[data-days] > li")!.before(mark);
    }
  }
}

export function startTimes() {
  localizeTimes();
  markDays();
  // After midnight what was today's has a date.
  setInterval(() => {
    if (new Date().toDateString() === today) return;
    today = new Date().toDateString();
    for (const time of document.querySelectorAll<HTMLTimeElement>("time")) delete time.dataset["local"];
    localizeTimes();
  }, 60_000);
}
