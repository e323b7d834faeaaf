import type { Setup } from "./model.ts";

/** What `bun run check-rule` goes through. The suite does the same with fewer generations. */
export const SETUPS: Setup[] = [
  { name: "three programs and a thief, no key", overlap: 2, holders: 3, generationsMax: 5, clockStepsMax: 0 },
  { name: "the same, a longer W", overlap: 4, holders: 2, generationsMax: 5, clockStepsMax: 0 },
  {
    name: "two tabs and a thief, the clock is set",
    overlap: 2,
    holders: 2,
    generationsMax: 4,
    clockStepsMax: 1,
  },
  {
    name: "one holder and a thief, the clock is set and set back",
    overlap: 2,
    holders: 1,
    generationsMax: 4,
    clockStepsMax: 2,
  },
  { name: "strict: W is 0", overlap: 0, holders: 2, generationsMax: 5, clockStepsMax: 1 },
  { name: "held by a key", overlap: 2, holders: 3, generationsMax: 4, clockStepsMax: 0, isEndless: true },
  {
    name: "held by a key, the clock is set",
    overlap: 2,
    holders: 1,
    generationsMax: 4,
    clockStepsMax: 1,
    isEndless: true,
  },
  {
    name: "held by a key for so long only",
    overlap: 2,
    holders: 2,
    generationsMax: 4,
    clockStepsMax: 0,
    isEndless: false,
  },
];

/** Small enough for a test. */
export const SMALL: Setup[] = [
  { name: "two holders and a thief", overlap: 2, holders: 2, generationsMax: 4, clockStepsMax: 0 },
  { name: "the clock is set", overlap: 2, holders: 1, generationsMax: 3, clockStepsMax: 1 },
  { name: "strict: W is 0", overlap: 0, holders: 2, generationsMax: 4, clockStepsMax: 0 },
  { name: "held by a key", overlap: 2, holders: 2, generationsMax: 4, clockStepsMax: 0, isEndless: true },
  {
    name: "held by a key for so long only",
    overlap: 2,
    holders: 1,
    generationsMax: 4,
    clockStepsMax: 0,
    isEndless: false,
  },
];
