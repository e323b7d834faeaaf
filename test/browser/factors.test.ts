import { expect, test } from "bun:test";
import type { CDPSession, Page } from "playwright-core";
import { UNLIMITED } from "../support/app.ts";
import { codeOf } from "../support/authenticator.ts";
import {
  describeInBrowser,
  open,
  outliveAccess,
  register,
  serve,
  type PersonInBrowser,
} from "../support/browser.ts";
import { PASSWORDS } from "../support/people.ts";
import { freePort } from "../support/process.ts";

/** A device that makes and keeps passkeys, in this page's browser; answers what it is known by there. */
async function withDevice(page: Page): Promise<{ cdp: CDPSession; authenticatorId: string }> {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("WebAuthn.enable");
  const { authenticatorId } = await cdp.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      ctap2Version: "ctap2_1",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return { cdp, authenticatorId };
}

async function signOut({ page }: PersonInBrowser) {
  await page.click("[data-sign-out] button");
  await page.waitForURL("**/login*");
}

async function signInByPassword({ page, name }: PersonInBrowser, next = "/account") {
  await page.goto(`/login?next=${next}`);
  await page.fill("#identifier", name);
  await page.fill("#password", PASSWORDS[name]!);
  await page.click("main form[action^='/login?'] button");
}

/** By the account page; answers the secret and the recovery codes. */
async function setUp({ page }: PersonInBrowser): Promise<{ secret: string; codes: string[] }> {
  await page.goto("/account");
  await page.click("form[action^='/account/factors/totp'] button");
  await page.waitForSelector(".qr svg");
  const secret = (await page.textContent("main code"))!.replaceAll(" ", "");
  await page.fill("#code", codeOf(secret));
  await page.click("main button[type=submit]");
  await page.waitForSelector(".recovery");
  return { secret, codes: await page.locator(".recovery code").allTextContents() };
}

describeInBrowser("how one signs in", () => {
  test("an authenticator and recovery codes: set up, asked for, one lost, made anew, removed", async () => {
    await using site = await serve(UNLIMITED);
    await using alice = await open(site, "alice");
    const { page } = alice;
    await register(alice);
    const { secret, codes } = await setUp(alice);
    expect(codes).toHaveLength(10);
    await page.click("main a.button");
    await page.waitForURL("**/account*");
    expect(await page.textContent("section[aria-labelledby=factors] p")).toContain(
      "Password and authenticator code; 10 recovery codes left.",
    );
    await signOut(alice);
    await signInByPassword(alice);
    await page.waitForSelector("#code");
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("code");
    await page.fill("#code", "000000");
    await page.click("main form[action^='/login/challenge'] button[type=submit]");
    await page.waitForSelector("#code-error");
    await page.fill("#code", codeOf(secret, 1));
    await page.click("main form[action^='/login/challenge'] button[type=submit]");
    await page.waitForURL("**/account");
    // The phone is lost.
    await signOut(alice);
    await signInByPassword(alice);
    await page.fill("#code", codes[3]!.toLowerCase());
    await page.press("#code", "Enter");
    await page.waitForURL("**/account");
    page.on("dialog", (dialog) => void dialog.accept());
    await page.click("form[action*='/remove'] button");
    await page.waitForURL("**/account?done=removed");
    expect(await page.textContent("section[aria-labelledby=factors] p")).toContain("Password alone.");
    expect(alice.complaints).toEqual([]);
  });

  test("a passkey: added, signed in by alone, from the field where the name is typed, and as second factor", async () => {
    // A passkey is its origin's, port and all.
    const port = freePort();
    await using site = await serve({
      ...UNLIMITED,
      DUET_PORT: `${port}`,
      DUET_PUBLIC_URL: `http://localhost:${port}`,
    });
    await using alice = await open(site, "alice");
    const { page } = alice;
    const { cdp, authenticatorId } = await withDevice(page);
    await register(alice);
    await page.goto("/account");
    await page.fill("section[aria-labelledby=factors] #name", "My laptop");
    await page.click("[data-passkey=create]");
    await page.waitForSelector(".recovery");
    const { credentials } = await cdp.send("WebAuthn.getCredentials", { authenticatorId });
    expect(credentials).toHaveLength(1);
    expect(credentials[0]).toMatchObject({
      isResidentCredential: true,
      rpId: "localhost",
      userName: "alice",
    });
    await page.click("main a.button");
    await page.waitForSelector("section[aria-labelledby=factors] li");
    expect(await page.textContent("section[aria-labelledby=factors] li strong")).toBe("My laptop");
    // The device answers at once what is offered in the background.
    await signOut(alice);
    await page.waitForURL("**/conversations");
    await cdp.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId, enabled: false });
    await signOut(alice);
    await signInByPassword(alice);
    await page.waitForSelector("h1:has-text('One more step')");
    await cdp.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId, enabled: true });
    await page.click("main [data-passkey=get]");
    await page.waitForURL("**/account");
    // Without the device: nothing happens, and the page says so.
    await cdp.send("WebAuthn.removeVirtualAuthenticator", { authenticatorId });
    await signOut(alice);
    await signInByPassword(alice);
    await page.waitForSelector("#code");
    expect(alice.complaints).toEqual([]);
  });

  test("what asks for a proof asks in a dialog, keeps what was typed, and then does it", async () => {
    await using site = await serve(UNLIMITED);
    await using alice = await open(site, "alice");
    const { page } = alice;
    await register(alice);
    const { secret } = await setUp(alice);
    await site.sql("UPDATE sessions SET authenticated_at = 0");
    await outliveAccess(alice.context);
    await page.goto("/account");
    await page.fill("#email", "alice@example.com");
    await page.click("form[action^='/account/profile'] button");
    await page.waitForSelector("#proof[open] #code");
    await page.click("#proof [data-close]");
    expect(await page.inputValue("#email")).toBe("alice@example.com");
    await page.click("form[action^='/account/profile'] button");
    await page.fill("#proof #code", "000000");
    await page.click("#proof button[type=submit]");
    await page.waitForSelector("#proof .error");
    await page.fill("#proof #code", codeOf(secret, 1));
    await page.click("#proof button[type=submit]");
    await page.waitForURL("**/account?done=profile");
    expect(await page.inputValue("#email")).toBe("alice@example.com");
    // Once for ten minutes.
    await page.fill("#new_password", PASSWORDS["bob"]!);
    await page.click("form[action^='/account/password'] button[type=submit]");
    await page.waitForURL("**/account?done=password");
    expect(alice.complaints).toEqual([]);
  });

  test("the dialog over a page whose session has ended takes the second step, too", async () => {
    await using site = await serve(UNLIMITED);
    await using alice = await open(site, "alice");
    const { page } = alice;
    await register(alice);
    const { codes } = await setUp(alice);
    await page.goto("/conversations");
    await page.fill("#title", "Kept");
    await site.sql("UPDATE sessions SET ended_at = 1, end_reason = 'revoked'");
    await outliveAccess(alice.context);
    await page.click("#new-conversation button");
    await page.waitForSelector("#sign-in-again[open]");
    await page.fill("#sign-in-again #password", PASSWORDS["alice"]!);
    await page.click("#sign-in-again button[type=submit]");
    await page.fill("#sign-in-again #code", codes[0]!);
    await page.click("#sign-in-again button[type=submit]");
    await page.waitForSelector("h1:has-text('Kept')");
    expect(alice.complaints).toEqual([]);
  });
});
