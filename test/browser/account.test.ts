import { expect, test } from "bun:test";
import { UNLIMITED } from "../support/app.ts";
import { describeInBrowser, open, register, serve } from "../support/browser.ts";

describeInBrowser("the account page", () => {
  test("shows events by the reader's own days, failed ones as what they were, and leads to its sections", async () => {
    await using site = await serve(UNLIMITED);
    await using alice = await open(site, "alice", { timezoneId: "Asia/Tokyo", locale: "en-GB" });
    const { page } = alice;
    await register(alice);
    await site.json("POST", "/api/auth/login", { username: "alice", password: "wrong" });
    // Two moments of one day in UTC, with a midnight in Tokyo between them.
    const at = { register: Date.UTC(2026, 10, 24, 14, 59), login: Date.UTC(2026, 10, 24, 15, 1) };
    for (const [kind, time] of Object.entries(at))
      await site.sql("UPDATE auth_events SET created_at = $1 WHERE kind = $2", time, kind);
    await page.goto("/account");
    expect(await page.locator("[data-days] .day").allTextContents()).toEqual([
      "Wednesday, November 25, 2026",
      "Tuesday, November 24, 2026",
    ]);
    expect(await page.locator("[data-days] strong").allTextContents()).toEqual([
      "Failed sign-in",
      "Account creation",
    ]);
    expect(await page.locator("[data-days] time").first().textContent()).toMatch(/^12:01/);
    for (const id of ["profile", "factors", "devices", "change-password", "events", "export", "removal"]) {
      await page.click(`nav.index a[href='#${id}']`);
      expect(await page.locator(`#${id}`).isVisible()).toBe(true);
    }
    expect(alice.complaints).toEqual([]);
  });
});
