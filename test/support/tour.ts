import type { PersonInBrowser, Site } from "./browser.ts";
import { answer, outliveAccess, register, startConversation } from "./browser.ts";
import { codeOf } from "./authenticator.ts";
import { login, PASSWORDS, register as registerByProgram } from "./people.ts";

/** Goes through every page in every state, once, and lets `look` at each. */
export async function tour(
  site: Site,
  alice: PersonInBrowser,
  look: (state: string) => Promise<void>,
): Promise<void> {
  const { page } = alice;
  for (const path of ["/", "/login", "/register", "/nothing"]) {
    await page.goto(path);
    await look(path);
  }
  await page.click("#me summary");
  await look("the menu of whoever is not signed in");
  await page.goto("/lab");
  await look("the lab, for whoever is not signed in");
  await page.click("form[action^='/auth/lab'] button");
  await page.click("[data-act=lose] button");
  await page.waitForSelector("#lab-log [data-row]");
  await page.click("[data-act=refresh] button");
  await page.waitForSelector("#lab-latest [data-row=unconfirmed]");
  await look("the lab on a session of nobody");
  await page.click(".share a");
  await page.waitForURL("**/lab/run/*");
  await look("a run that is played back");
  await page.goto("/register");
  await page.fill("#password", "password123");
  await page.waitForSelector("#strength meter");
  await look("a password that is weak");
  await page.goto("/login");
  await page.fill("#identifier", "nobody");
  await page.fill("#password", "x");
  await page.click("main button[type=submit]");
  await page.waitForSelector(".error");
  await look("a refused sign-in");
  await register(alice);
  await look("no conversations");
  const alices = await login(site, "alice");
  await startConversation(alice, "Other");
  const path = await startConversation(alice, "Plans");
  await page.click("#me summary");
  await look("the menu of the account");
  await page.keyboard.press("Escape");
  await look("an empty thread");
  const bob = await registerByProgram(site, "bob");
  await alices.call("POST", `/api${path}/members`, { username: "bob" });
  await bob.call("POST", `/api${path}/messages`, { body: "somebody else's" });
  const code = "see https://example.com, `here`:\n```\nconst pair = { access, refresh };\n```";
  for (const text of [code, "a message to take back"]) {
    await page.fill("#body", text);
    await page.press("#body", "Enter");
    await page.waitForSelector(`.message.own:not(.pending):has-text('${text.slice(0, 10)}')`);
  }
  await page.locator(".message.own").last().hover();
  await page.locator(".message.own").last().locator("button.tool").click();
  await page.waitForSelector("#confirm[open]");
  await look("a question before what cannot be undone");
  await answer(page, true);
  await page.waitForSelector(".gone");
  await look("a thread");
  await page.click("#members summary");
  await page.fill("#username", "nobody");
  await page.click("#members .joined button");
  await page.waitForSelector("#username-error");
  await look("members, and nobody of that name");
  await page.keyboard.press("Escape");
  await page.click("#conversation-menu summary");
  await look("the menu");
  await page.keyboard.press("Escape");
  await page.locator(".message.own").first().hover();
  await page.locator(".message.own .tool").first().click();
  await page.waitForSelector(".editing");
  await look("a message being changed");
  await page.route(`**${path}`, (route) =>
    route.request().method() === "POST" ? route.abort() : route.continue(),
  );
  await page.fill("#body", "lost");
  await page.press("#body", "Enter");
  await page.waitForSelector(".failed button");
  await look("a message that was not sent");
  await page.unroute(`**${path}`);
  await page.context().setOffline(true);
  await page.waitForSelector("#notice:not(:empty)");
  await look("without a connection");
  await page.context().setOffline(false);
  await page.goto("/conversations?gone=1");
  await look("a conversation that has gone");
  await page.goto("/search?q=plans");
  await look("search");
  await page.goto("/conversations");
  await look("the list");
  await page.goto("/account");
  await page.fill("#new_password", "password123");
  await page.waitForSelector("#strength meter");
  await look("the account");
  await page.goto("/lab");
  await page.click("[data-act=refresh] button");
  await page.waitForSelector("#lab-log [data-row]");
  await look("the lab");
  await page.goto(path);
  const [access] = (await alice.context.cookies()).filter(({ name }) => name === "duet_access");
  await site.json("POST", "/api/auth/logout-all", {}, { authorization: `Bearer ${access!.value}` });
  await page.waitForSelector("#sign-in-again[open]");
  await look("the sign-in dialog");
  await page.goto("/conversations");
  await page.waitForSelector(".banner");
  await look("why one has to sign in");

  await page.fill("#identifier", "alice");
  await page.fill("#password", PASSWORDS["alice"]!);
  await page.click("main button[type=submit]");
  await page.waitForURL("**/conversations");
  await page.goto("/lab");
  for (const act of ["steal", "refresh"]) {
    await page.click(`[data-act=${act}] button:enabled`);
    await page.waitForSelector(`[data-act=${act}] button:enabled`);
  }
  await page.waitForSelector("#entry-2");
  await page.click("[data-act=replay] button");
  await page.waitForSelector("#lab-latest [data-row=reuse]");
  await look("the lab after a theft");
  await page.click("#lab-latest a.button");
  await page.waitForSelector(".banner.warning");
  await look("what the owner sees after a theft");
}

/** The pages of operators and of those whom they help, and the reference; of a site where registration is closed. */
export async function operatorsTour(
  site: Site,
  carol: PersonInBrowser,
  look: (state: string) => Promise<void>,
): Promise<void> {
  const { page } = carol;
  const { operator } = site.app.duet;
  for (const name of ["carol", "bob"]) {
    const user = await operator.add({ username: name, password: PASSWORDS[name]! });
    if (name === "carol") await operator.setOperator(user, true);
  }
  await page.goto("/docs");
  await look("the reference");
  await page.click("#postMessage summary");
  await page.click("#login summary");
  await look("the reference, opened");
  await page.goto("/register");
  await look("a closed registration");
  await page.goto("/login?next=/admin");
  await page.click("details summary");
  await look("a sign-in without registration");
  await page.fill("#identifier", "carol");
  await page.fill("#password", PASSWORDS["carol"]!);
  await page.click("main button[type=submit]");
  await page.waitForSelector("#people");
  await site.sql("UPDATE sessions SET authenticated_at = 0");
  await outliveAccess(page.context());
  await page.goto("/admin");
  await look("an operator who is asked for a proof");
  await page.fill("#proof-password", PASSWORDS["carol"]!);
  await page.click("main button[type=submit]");
  await page.waitForSelector("#people");
  await page.click("form[action^='/admin/invitations'] button");
  await page.waitForSelector("code.link");
  await look("an invitation");
  const invitation = (await page.textContent("code.link"))!;
  await page.click("a[href^='/admin/people/']:has-text('bob')");
  await page.waitForURL("**/people/*");
  await page.click("form[action*='reset-link'] button");
  await page.waitForSelector("code.link");
  await look("a person, and a link");
  const link = (await page.textContent("code.link"))!;
  await carol.context.clearCookies();
  await page.goto(new URL(link).pathname + new URL(link).search);
  await look("a new password");
  await page.goto(new URL(invitation).pathname + new URL(invitation).search);
  await look("somebody who is invited");
  await page.goto("/reset?token=none");
  await look("a link that has ended");
}

/** How one signs in beside the password, and being asked for it; of a site with a mail server that takes nothing. */
export async function factorsTour(
  site: Site,
  dave: PersonInBrowser,
  look: (state: string) => Promise<void>,
): Promise<void> {
  const { page } = dave;
  await page.goto("/forgot");
  await look("a forgotten password");
  await page.fill("#identifier", "dave");
  await page.click("main button[type=submit]");
  await page.waitForSelector("[role=status]");
  await look("a letter on its way");
  await page.goto("/register");
  await page.fill("#username", "dave");
  await page.fill("#email", "dave@example.com");
  await page.fill("#password", PASSWORDS["alice"]!);
  await page.click("main button[type=submit]");
  await page.waitForURL("**/conversations");
  await page.goto("/account");
  await look("an account without a second factor, and an address that waits");
  await page.click("form[action^='/account/factors/totp'] button");
  await page.waitForSelector(".qr svg");
  await look("an authenticator being set up");
  await page.fill("#code", "000000");
  await page.click("main button[type=submit]");
  await page.waitForSelector("#code-error");
  await look("a first code that is wrong");
  const secret = (await page.textContent("main code"))!.replaceAll(" ", "");
  await page.fill("#code", codeOf(secret));
  await page.click("main button[type=submit]");
  await page.waitForSelector(".recovery");
  await look("recovery codes");
  await page.click("main a.button");
  await page.waitForSelector("section[aria-labelledby=factors] li");
  await look("an account with an authenticator");
  await site.sql("UPDATE sessions SET authenticated_at = 0");
  await outliveAccess(page.context());
  await page.goto("/account");
  await page.fill("#email", "other@example.com");
  await page.click("form[action^='/account/profile'] button[type=submit]");
  await page.waitForSelector("#proof[open] #code");
  await look("a proof that is asked for in a dialog");
  await page.goto("/account/proof");
  await look("a proof that is asked for");
  await page.context().clearCookies();
  await page.goto("/login");
  await page.fill("#identifier", "dave");
  await page.fill("#password", PASSWORDS["alice"]!);
  await page.click("main form[action^='/login?'] button[type=submit]");
  await page.waitForSelector("#code");
  await look("the second step");
  await page.fill("#code", "000000");
  await page.click("main form[action^='/login/challenge'] button[type=submit]");
  await page.waitForSelector("#code-error");
  await look("the second step, refused");
}
