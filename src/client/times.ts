// Times in the reader's own zone and language.
//
// DOM: <time datetime [data-precise]>; one that is done has data-local.

import { root } from "./page.ts";

export const DATE_AND_TIME = { dateStyle: "medium", timeStyle: "short" } as const;

let today = new Date().toDateString();

export function localizeTimes(within: ParentNode = document) {
  for (const time of within.querySelectorAll<HTMLTimeElement>("time:not([data-local])")) {
    const at = new Date(time.dateTime);
    const isToday = at.toDateString() === today;
    const timeStyle = "precise" in time.dataset ? "medium" : "short";
    time.textContent = at.toLocaleString(root.lang, isToday ? { timeStyle } : DATE_AND_TIME);
    time.title = at.toLocaleString(root.lang, { dateStyle: "full", timeStyle: "medium" });
    time.dataset["local"] = "";
  }
}

export function startTimes() {
  localizeTimes();
  // After midnight what was today's has a date.
  setInterval(() => {
    if (new Date().toDateString() === today) return;
    today = new Date().toDateString();
    for (const time of document.querySelectorAll<HTMLTimeElement>("time")) delete time.dataset["local"];
    localizeTimes();
  }, 60_000);
}
