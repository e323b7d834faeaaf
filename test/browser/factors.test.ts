import { expect, test } from "bun:test";
import type { CDPSession, Page } from "playwright-core";
import { UNLIMITED } from "../support/app.ts";
import { codeOf } from "../support/authenticator.ts";
import {
  answer,
  signOut as signOutByMenu,
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

/** A passkey is its origin's, port and all. */
const serveWithPort = () => {
  const port = freePort();
  return serve({ ...UNLIMITED, DUET_PORT: `${port}`, DUET_PUBLIC_URL: `http://localhost:${port}` });
};

/** Adds a passkey by the account page, and goes on to it. */
async function addPasskey({ page }: PersonInBrowser) {
  await page.goto("/account");
  await page.fill("section[aria-labelledby=factors] #name", "My laptop");
  await page.click("[data-passkey=create]");
  await page.waitForSelector(".recovery");
  await page.click("main a.button");
  await page.waitForSelector("section[aria-labelledby=factors] li");
}

/** `to`: where a device leads that answers at once what the sign-in page offers. That page may never be loaded whole. */
async function signOut({ page }: PersonInBrowser, to = "**/login*") {
  await signOutByMenu(page);
  await page.waitForURL(to);
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
    await page.click("form[action*='/remove'] button");
    await answer(page, true);
    await page.waitForURL("**/account?done=removed");
    expect(await page.textContent("section[aria-labelledby=factors] p")).toContain("Password alone.");
    expect(alice.complaints).toEqual([]);
  });

  test("a passkey: added, signed in by alone, from the field where the name is typed, and as second factor", async () => {
    await using site = await serveWithPort();
    await using alice = await open(site, "alice");
    const { page } = alice;
    const { cdp, authenticatorId } = await withDevice(page);
    await register(alice);
    await addPasskey(alice);
    const { credentials } = await cdp.send("WebAuthn.getCredentials", { authenticatorId });
    expect(credentials).toHaveLength(1);
    expect(credentials[0]).toMatchObject({
      isResidentCredential: true,
      rpId: "localhost",
      userName: "alice",
    });
    expect(await page.textContent("section[aria-labelledby=factors] li strong")).toBe("My laptop");
    // The device answers at once what is offered in the background.
    await signOut(alice, "**/conversations");
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
    // Also where the stream has found out first, and the dialog is there.
    await page.locator("#new-conversation").evaluate((form: HTMLFormElement) => form.requestSubmit());
    await page.waitForSelector("#sign-in-again[open]");
    await page.fill("#sign-in-again #password", PASSWORDS["alice"]!);
    await page.click("#sign-in-again button[type=submit]");
    await page.fill("#sign-in-again #code", codes[0]!);
    await page.click("#sign-in-again button[type=submit]");
    await page.waitForSelector("h1:has-text('Kept')");
    expect(alice.complaints).toEqual([]);
  });

  test("a passkey that was copied, or is asked for at another address, opens nothing", async () => {
    await using site = await serveWithPort();
    await using alice = await open(site, "alice");
    const { page } = alice;
    const { cdp, authenticatorId } = await withDevice(page);
    await register(alice);
    await addPasskey(alice);
    // The device answers what the sign-in page offers in the background.
    await signOut(alice, "**/conversations");
    const { credentials } = await cdp.send("WebAuthn.getCredentials", { authenticatorId });
    // The copy has not counted along.
    await cdp.send("WebAuthn.clearCredentials", { authenticatorId });
    await cdp.send("WebAuthn.addCredential", {
      authenticatorId,
      credential: { ...credentials[0]!, signCount: 0 },
    });
    const refused = page.waitForResponse("**/login/passkey");
    await signOut(alice);
    expect((await refused).status()).toBe(401);
    await page.waitForSelector(".banner.error:has-text('not known here, or could not be checked')");
    await cdp.send("WebAuthn.removeVirtualAuthenticator", { authenticatorId });
    const kinds = await site.sql("SELECT kind FROM auth_events WHERE outcome = 'failure' ORDER BY id");
    expect([...new Set(kinds.map(({ kind }) => kind))]).toEqual(["login", "passkey_cloned"]);
    // The browser itself gives nothing to an address that the passkey is not for.
    const elsewhere = await alice.context.newPage();
    await withDevice(elsewhere);
    await elsewhere.goto(`${site.url.replace("localhost", "127.0.0.1")}/login`);
    await elsewhere.click("main [data-options-from][data-passkey=get]");
    await elsewhere.waitForSelector("[data-passkey-failed]:visible");
    expect(new URL(elsewhere.url()).pathname).toBe("/login");
  });

  test("a passkey is offered again after a wrong password, and in the dialog over a page", async () => {
    await using site = await serveWithPort();
    await using alice = await open(site, "alice");
    const { page } = alice;
    const { cdp, authenticatorId } = await withDevice(page);
    await register(alice);
    await addPasskey(alice);
    const answers = (enabled: boolean) =>
      cdp.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId, enabled });
    await answers(false);
    await signOut(alice);
    await page.fill("#identifier", "alice");
    await page.fill("#password", "wrong");
    await page.click("main form[action^='/login?'] button");
    await page.waitForSelector(".banner.error");
    const offered = page.waitForResponse("**/login/passkey/options");
    await answers(true);
    await page.reload();
    await offered;
    await page.waitForURL("**/conversations");
    await page.fill("#title", "Kept");
    await site.sql("UPDATE sessions SET ended_at = 1, end_reason = 'revoked'");
    for (const { name } of await alice.context.cookies())
      if (/^duet_(access|gen)/.test(name)) await alice.context.clearCookies({ name });
    // Also where the stream has found out first, and the dialog is there.
    await page.locator("#new-conversation").evaluate((form: HTMLFormElement) => form.requestSubmit());
    await page.waitForSelector("#sign-in-again[open]");
    await page.click("#sign-in-again [data-options-from][data-passkey=get]");
    await page.waitForSelector("h1:has-text('Kept')");
    // Enter is enough where nothing else is asked for; one of a kind is told as that.
    await page.goto("/account");
    await page.focus("section[aria-labelledby=factors] #name");
    await page.keyboard.press("Enter");
    await page.waitForSelector("[data-passkey-failed]:visible");
    expect(await page.textContent("[data-passkey-failed]")).toContain(
      "has a passkey for this account already",
    );
  });

  test("what is refused is said: the last try, a page that is behind, and one too many", async () => {
    await using site = await serve(UNLIMITED);
    await using alice = await open(site, "alice");
    const { page } = alice;
    await register(alice);
    await setUp(alice);
    const other = await alice.context.newPage();
    await page.goto("/account");
    await other.goto("/account");
    await other.click("form[action*='/remove'] button");
    await answer(other, true);
    await other.waitForURL("**/account?done=removed");
    await page.click("form[action*='/remove'] button");
    await answer(page, true);
    await page.waitForSelector("#notice:has-text('does not exist')");
    await setUp(alice);
    await signOut(alice);
    await signInByPassword(alice);
    for (let n = 0; n < 5; n++) {
      await page.fill("#code", String(n).padStart(6, "0"));
      const answered = page.waitForResponse("**/login/challenge");
      await page.press("#code", "Enter");
      await answered;
      if (n < 4)
        await page.waitForFunction(() => document.querySelector<HTMLInputElement>("#code")?.value === "");
    }
    await page.waitForSelector(".banner.error:has-text('too many tries')");
    await page.waitForSelector("#identifier");
  });
});
