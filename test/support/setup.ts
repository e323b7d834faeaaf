import { afterEach, setSystemTime } from "bun:test";

// Loaded before every test file: no clock that one test froze is still frozen in the next.
afterEach(() => {
  setSystemTime();
});
