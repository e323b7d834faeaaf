import { expect, test } from "bun:test";
import type { Page } from "playwright-core";
import {
  answer as answerTo,
  signOut,
  fillTitle,
  describeInBrowser,
  messages,
  open,
  passOn,
  posts,
  register,
  say,
  SENT,
  serve,
  signedIn,
  startConversation,
} from "../support/browser.ts";
import { UNLIMITED } from "../support/app.ts";
import { PASSWORDS } from "../support/people.ts";

/** Until everything that was sent has arrived. */
const isEmpty = (page: Page) =>
  page.waitForFunction(() => Object.keys(localStorage).every((name) => !name.startsWith("unsent:")));

describeInBrowser("the composer", () => {
  test("sends with Enter, breaks the line with Shift+Enter, leaves the keys to whoever writes Chinese, and sends once", async () => {
    await using site = await serve();
    await using alice = await signedIn(site, "alice", { locale: "zh-CN" });
    const { page } = alice;
    const path = await alice.converse("输入法");
    const press = (selector: string, key: string, how: object) =>
      page.locator(selector).dispatchEvent("keydown", { key, bubbles: true, cancelable: true, ...how });
    await page.fill("#body", "ni hao");
    await press("#body", "Enter", { isComposing: true });
    await press("#body", "Enter", { keyCode: 229 });
    await page.fill("#q", "ni");
    await press("#q", "Escape", { keyCode: 229 });
    expect(await page.inputValue("#q")).toBe("ni");
    expect(await page.inputValue("#body")).toBe("ni hao");
    expect(await page.locator(".message").count()).toBe(0);

    await page.fill("#body", "one");
    await page.press("#body", "Shift+Enter");
    await page.locator("#body").pressSequentially("two");
    await page.press("#body", "Enter");
    await page.waitForSelector(SENT);
    expect(await messages(page)).toEqual(["one\ntwo"]);
    expect(await page.locator("#no-messages").count()).toBe(0);
    await page.fill("#body", "twice");
    await page.dblclick("#composer button");
    await page.waitForFunction((sent) => document.querySelectorAll(sent).length === 2, SENT);

    // The server has it, the browser never hears so: nobody sees it twice, nor as failed, and it is sent again.
    await page.route(
      `**${path}`,
      posts(async (route) => {
        expect((await passOn(route)).status()).toBe(200);
        await route.abort();
      }),
    );
    await say(page, "heard?");
    await page.waitForSelector(`${SENT}:has-text('heard?')`);
    expect(await page.locator(".message:visible").count()).toBe(3);
    await page.unroute(`**${path}`);
    await isEmpty(page);
    expect(await page.locator(".pending").count()).toBe(0);
    await page.reload();
    expect(await messages(page)).toEqual(["one\ntwo", "twice", "heard?"]);

    // What is wrong is said beside the text, which stays.
    await say(page, "字".repeat(10_001));
    await page.waitForSelector("#composer-error:has-text('最多 10000 个字符')");
    expect((await page.inputValue("#body")).length).toBe(10_001);
    await say(page, "字");
    await page.waitForSelector(`${SENT}:has-text('字')`);
    expect(await page.textContent("#composer-error")).toBe("");
  });
});

describeInBrowser("what was sent and has not arrived", () => {
  test("is not taken for sent or refused by what stands between, nor for another with the same words", async () => {
    await using site = await serve(UNLIMITED);
    await using alice = await signedIn(site, "alice");
    const { page } = alice;
    const path = await alice.converse("Between");
    const answers = [
      [404, "404 page not found", "text/plain"],
      [200, "<h1>We are updating</h1>", "text/html"],
      [502, "<html>bad gateway</html>", "text/html"],
    ] as const;
    for (const [i, [status, body, contentType]] of answers.entries()) {
      const handle = posts((route) => route.fulfill({ status, body, contentType }));
      await page.route(`**${path}`, handle);
      await say(page, "ha");
      await page.waitForSelector(".failed:has-text('ha')");
      await page.locator("button:text-is('Edit')").waitFor();
      await page.unroute(`**${path}`);
      await page.click("text=Try again");
      await page.waitForFunction(([sent, n]) => document.querySelectorAll(sent).length === n, [
        SENT,
        i + 1,
      ] as const);
      expect(await messages(page)).toEqual(Array(i + 1).fill("ha"));
    }
    expect(await page.locator("h1:has-text('updating')").count()).toBe(0);
    // What is too large for whatever stands between will be so for ever.
    await page.route(
      `**${path}`,
      posts((route) => route.fulfill({ status: 413, body: "too large", contentType: "text/plain" })),
    );
    await say(page, "a long one");
    await page.waitForSelector("#composer-error:text-is('too large')");
    expect(await page.inputValue("#body")).toBe("a long one");
    // What is too long for Duet is not even sent.
    await page.fill("#body", "x".repeat(10_001));
    await page.press("#body", "Enter");
    await page.waitForSelector("#composer-error:has-text('At most 10000 characters')");
    expect((await page.inputValue("#body")).length).toBe(10_001);
    expect(await page.locator(".pending").count()).toBe(0);
    expect(alice.complaints).toEqual([]);
  });

  test("arrives in order from wherever its author has gone, holds back no other conversation, and throws nobody out", async () => {
    await using site = await serve(UNLIMITED);
    await using alice = await signedIn(site, "alice");
    const { page } = alice;
    const other = await alice.converse("Other");
    for (let n = 0; n < 60; n++) await alice.program("POST", `${other}/messages`, { body: `line ${n}` });
    await page.fill("#q", "line 7");
    const hit = await page.locator("#found a[href*='?at=']").last().getAttribute("href");
    const path = await alice.converse("Hurry");
    await page.route(
      `**${path}`,
      posts((route) => route.abort()),
    );
    for (const text of ["one", "two", "three"]) await say(page, text);
    await page.waitForFunction(() => document.querySelectorAll(".failed").length === 3);
    // On a page from the middle of another conversation, which it does not leave.
    await page.goto(hit!);
    expect(await page.locator(".latest").count()).toBe(1);
    const arrived = page.waitForResponse((r) => r.request().postData()?.includes("body=three") ?? false);
    await page.unroute(`**${path}`);
    expect((await arrived).status()).toBe(200);
    await isEmpty(page);
    expect(page.url()).toContain("?at=");

    await page.route(
      `**${path}`,
      posts((route) => route.fulfill({ status: 500, body: "" })),
    );
    await page.goto(path);
    expect(await messages(page)).toEqual(["one", "two", "three"]);
    await say(page, "stuck");
    await page.waitForSelector(".failed");
    await page.goto(other);
    await say(page, "goes on");
    await page.waitForSelector(`${SENT}:has-text('goes on')`);
  });

  test("is kept over a reload with the draft, shown with the reason where it cannot be, and goes with the sign-out", async () => {
    await using site = await serve(UNLIMITED);
    await using alice = await signedIn(site, "alice");
    const { page } = alice;
    const path = await alice.converse("Drafts");
    await page.fill("#body", "half a thou");
    await page.reload();
    expect(await page.inputValue("#body")).toBe("half a thou");
    await page.route(
      `**${path}`,
      posts((route) => route.abort()),
    );
    await say(page, "a whole one");
    await page.waitForSelector(".failed");
    await page.unroute(`**${path}`);
    await page.reload();
    await page.waitForSelector(SENT);
    expect(await messages(page)).toEqual(["a whole one"]);

    await page.route(
      `**${path}`,
      posts((route) => route.abort()),
    );
    // As a page of an older Duet would let it through.
    await page.evaluate(() => (document.querySelector<HTMLElement>("#composer")!.dataset["max"] = "99999"));
    await say(page, `${"x".repeat(10_000)} and more`);
    await page.waitForSelector(".failed");
    await page.unroute(`**${path}`);
    await page.goto("/account");
    await page.waitForSelector("#notice:has-text('At most 10000 characters'):has-text('and more')");
    await page.goto(path);
    expect(await page.inputValue("#body")).toEndWith("and more");
    await page.goto("/account");
    await page.click("form[action*='/logout-all'] button");
    await answerTo(page, true);
    await page.waitForURL("**/login");
    expect(await page.evaluate(() => localStorage.length)).toBe(0);
  });

  test("is in every tab, and sent by none once it was taken back in one; signing out asks before it takes text away", async () => {
    await using site = await serve(UNLIMITED);
    await using alice = await signedIn(site, "alice");
    const { page } = alice;
    const path = await alice.converse("Twins");
    await alice.context.route(
      `**${path}`,
      posts((route) => route.abort()),
    );
    await say(page, "oh no");
    await page.waitForSelector(".failed");
    const twin = await alice.context.newPage();
    await twin.goto(path);
    await twin.waitForSelector(".failed:has-text('oh no')");
    await page.click("button:text-is('Edit')");
    await twin.waitForSelector(".failed", { state: "detached" });
    expect(await page.inputValue("#body")).toBe("oh no");
    await page.fill("#body", "");
    await alice.context.unroute(`**${path}`);
    await twin.close();

    // Nor does it hold back what follows if it was on its way just then.
    const { promise: isAnswered, resolve: answer } = Promise.withResolvers<void>();
    await alice.context.route(
      `**${path}`,
      posts(async (route) => {
        if (route.request().frame().page() !== page) return route.abort();
        await isAnswered;
        await route.fulfill({ response: await passOn(route) });
      }),
    );
    await say(page, "on its way");
    await say(page, "second");
    const other = await alice.context.newPage();
    await other.goto(path);
    await other.waitForSelector(".pending:has-text('on its way')");
    await other.evaluate(() => {
      const item = [...document.querySelectorAll(".pending")].find((each) =>
        each.textContent!.includes("on its way"),
      )!;
      item.querySelector<HTMLElement>("[data-back]")!.click();
    });
    await page.waitForFunction(() => document.querySelectorAll(".pending").length === 1);
    await other.close();
    answer();
    await page.waitForSelector(`${SENT}:has-text('second')`);
    expect(alice.complaints).toEqual([]);

    // What was taken back is a draft; it goes only if its author says so.
    await signOut(page);
    // The answer that changes nothing comes first, and has the focus.
    await page.waitForFunction(() => document.activeElement?.matches("#confirm button:first-child"));
    expect(await page.textContent("#confirm p")).toContain("did not send is deleted");
    expect((await page.textContent("#confirm [value=yes]"))!.trim()).toBe("Sign out");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#confirm", { state: "hidden" });
    expect(new URL(page.url()).pathname).toBe(path);
    // The menu that it was asked from is still there.
    await page.click("[data-sign-out] button");
    await answerTo(page, true);
    await page.waitForURL("**/login?*");
    expect(await page.evaluate(() => localStorage.length)).toBe(0);
  });

  test("is still sent after its tab was closed, and so is what was being typed still there", async () => {
    await using site = await serve(UNLIMITED);
    await using alice = await signedIn(site, "alice");
    const path = await alice.converse("Closed");
    await alice.context.setOffline(true);
    await say(alice.page, "written on a train");
    await alice.page.waitForSelector(".failed:has-text('written on a train')");
    await alice.page.fill("#body", "and then");
    await alice.page.close();
    await alice.context.setOffline(false);
    const page = await alice.context.newPage();
    await page.goto("/account");
    await isEmpty(page);
    await page.goto(path);
    expect(await messages(page)).toEqual(["written on a train"]);
    expect(await page.inputValue("#body")).toBe("and then");

    // One text for all tabs: what is typed in one is not typed a second time in another.
    const second = await alice.context.newPage();
    await second.goto(path);
    await second.fill("#body", "and then it snowed");
    await second.press("#body", "Enter");
    await second.waitForSelector(`${SENT}:has-text('it snowed')`);
    await page.waitForFunction(() => document.querySelector<HTMLTextAreaElement>("#body")!.value === "");
    await page.waitForSelector(`${SENT}:has-text('it snowed')`);
    expect(alice.complaints).toEqual([]);
  });
});

describeInBrowser("what is being typed anywhere", () => {
  test("goes with the sign-out over plain http too, where browsers do not look at Clear-Site-Data", async () => {
    let fetch: (request: Request) => Promise<Response>;
    await using proxy = Bun.serve({ port: 0, fetch: (request) => fetch(request) });
    const url = `http://localhost:${proxy.port}`;
    await using site = await serve({ DUET_PUBLIC_URL: url });
    fetch = async (request) => {
      const answer = await site.app.handle(request);
      answer.headers.delete("clear-site-data");
      return answer;
    };
    await using alice = await open({ url }, "alice");
    const { page } = alice;
    await register(alice);
    await startConversation(alice, "Secret");
    await page.fill("#body", "nobody may read this");
    await signOut(page);
    await answerTo(page, true);
    await page.waitForURL("**/login?*");
    expect(await page.evaluate(() => localStorage.length)).toBe(0);
  });

  test("is still there after a refusal, passwords too, which no page shows again", async () => {
    await using site = await serve(UNLIMITED);
    await using alice = await signedIn(site, "alice");
    await using carol = await open(site, "carol");
    await carol.page.goto("/register");
    await carol.page.fill("#username", "alice");
    await carol.page.fill("#password", PASSWORDS["carol"]!);
    await carol.page.click("main button[type=submit]");
    await carol.page.waitForSelector("#username-error:has-text('taken')");
    expect(await carol.page.inputValue("#password")).toBe(PASSWORDS["carol"]!);
    await carol.page.fill("#username", "carol");
    await carol.page.click("main button[type=submit]");
    await carol.page.waitForURL("**/conversations");

    const { page } = alice;
    // A message that was deleted meanwhile cannot be changed any more.
    const path = await alice.converse("Deleted");
    await say(page, "soon gone");
    await page.waitForSelector(SENT);
    const id = await page.locator(SENT).getAttribute("id");
    const url = `${path}/messages/${id!.slice("message-".length)}`;
    const elsewhere = await alice.context.newPage();
    await elsewhere.goto(path);
    await page.click(`#${id} a.tool`);
    const edited = page.locator(`#${id} textarea`);
    await edited.fill("soon gone, or not");
    await elsewhere.click(`form[action^='${url}/remove'] button`);
    await answerTo(elsewhere, true);
    await elsewhere.waitForSelector(`#${id} .gone`);
    await page.click(`#${id} .actions button`);
    await page.waitForSelector(`#${id} .error:has-text('deleted meanwhile')`);
    expect(await edited.inputValue()).toBe("soon gone, or not");
    await page.reload();
    await page.waitForSelector(`#${id} .gone`);
    expect(await page.inputValue("#body")).toBe("soon gone, or not");

    await page.goto("/account");
    await page.fill("#current_password", "not this one");
    await page.fill("#new_password", PASSWORDS["bob"]!);
    await page.click("form[action*='/account/password'] button");
    await page.waitForSelector("#current_password-error");
    expect(await page.inputValue("#current_password")).toBe("");
    expect(await page.inputValue("#new_password")).toBe(PASSWORDS["bob"]!);
    await page.fill("#current_password", PASSWORDS["alice"]!);
    await page.click("form[action*='/account/password'] button");
    await page.waitForURL("**/account?done=password");
    expect([...alice.complaints, ...carol.complaints]).toEqual([]);
  });

  test("survives a reload, in every form, until it is sent or given up", async () => {
    await using site = await serve(UNLIMITED);
    await using alice = await signedIn(site, "alice");
    const { page } = alice;
    const path = await alice.converse("Forms");
    const { id } = await alice.program("POST", `${path}/messages`, { body: "a mistake" });
    await page.reload();
    const edited = page.locator(`#message-${id} textarea`);
    await page.click(`#message-${id} a.tool`);
    await edited.fill("a misunderstanding");
    // As the event stream's own `reset` does, and a page that belongs to another person now.
    await page.evaluate(() => location.reload());
    await page.waitForSelector(`#message-${id} textarea`);
    expect(await edited.inputValue()).toBe("a misunderstanding");
    // It is taken out of what is kept by giving it up,
    await page.click(`#message-${id} .actions a`);
    await page.waitForSelector(`#message-${id}:not(.editing)`);
    await page.click(`#message-${id} a.tool`);
    expect(await edited.inputValue()).toBe("a mistake");
    // or by saving it, and not by an attempt that failed.
    await edited.fill("x".repeat(10_001));
    await page.click(`#message-${id} .actions button`);
    await page.waitForSelector(`#message-${id} .error`);
    await page.reload();
    await page.waitForSelector(`#message-${id} textarea`);
    expect((await edited.inputValue()).length).toBe(10_001);
    await edited.fill("no mistake");
    await page.click(`#message-${id} .actions button`);
    await page.waitForSelector(`#message-${id} .body:text-is('no mistake')`);
    expect(await page.evaluate(() => localStorage.length)).toBe(0);

    await fillTitle(page, "A new one");
    await page.click("#members summary");
    await page.fill("#members input[name=username]", "bo");
    await page.goto("/account");
    await page.fill("#email", "alice@exa");
    await page.goto(path);
    expect(await page.inputValue("#title")).toBe("A new one");
    expect(await page.inputValue("#members input[name=username]")).toBe("bo");
    // A form whose answer never comes has not been sent.
    await page.goto("/account");
    expect(await page.inputValue("#email")).toBe("alice@exa");
    await page.fill("#email", "alice@example.org");
    await page.route("**/account/profile*", (route) => route.abort());
    await page.click("form[action*='/account/profile'] button");
    await page.waitForSelector("#notice:not(:empty)");
    await page.unroute("**/account/profile*");
    await page.reload();
    expect(await page.inputValue("#email")).toBe("alice@example.org");
    await page.click("form[action*='/account/profile'] button");
    await page.waitForSelector("main .banner, main [role=status]");
    const kept = await page.evaluate(() => Object.keys(localStorage).map((name) => name.split(" ").at(-1)));
    expect(kept.toSorted()).toEqual(["title", "username"]);
    // Of what was cut off here, and nothing else.
    for (const complaint of alice.complaints) expect(complaint).toContain("Failed to fetch");
  });
});
