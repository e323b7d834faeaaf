import { expect, test } from "bun:test";
import { UNLIMITED } from "../support/app.ts";
import { register as registerByProgram } from "../support/people.ts";
import { describeInBrowser, open, passOn, register, serve, startConversation } from "../support/browser.ts";

describeInBrowser("the focus", () => {
  test("stays where somebody works, whatever is replaced around it", async () => {
    await using site = await serve(UNLIMITED);
    await using alice = await open(site, "alice");
    const { page } = alice;
    await register(alice);
    const isOn = (selector: string) =>
      page.waitForFunction((wanted) => document.activeElement?.matches(wanted), selector);
    await page.fill("#title", "   ");
    await page.click("#new-conversation button");
    await page.waitForSelector("#new-conversation .error");
    await isOn("#title");
    const path = await startConversation(alice, "Focus");
    await page.click("#members summary");
    await page.fill("#username", "nobody");
    await page.click("#members button[type=submit]");
    await page.waitForSelector("#members .error");
    await isOn("#username");
    await page.keyboard.press("Escape");

    // A message is changed as it is written: the cursor at its end, Enter sends, Escape leaves it as it was.
    await page.fill("#body", "hello");
    await page.press("#body", "Enter");
    await page.waitForSelector(".message.own:not(.pending)");
    await page.locator(".message.own").hover();
    await page.click(".tool[href$='/edit']");
    await isOn(".editing textarea");
    await page.keyboard.type(" you");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".message:not(.editing) .body:text-is('hello you')");
    await isOn(".message .tool");
    await page.keyboard.press("Enter");
    await isOn(".editing textarea");
    await page.keyboard.type(" too");
    await page.keyboard.press("Escape");
    await page.waitForSelector(".message:not(.editing) .body:text-is('hello you')");
    await isOn(".message .tool");

    // What is wrong is on the screen, however long the page is.
    await page.goto("/account");
    await page.fill("#current_password", "not this one");
    await page.fill("#new_password", "a kettle for the lighthouse");
    await page.press("#new_password", "Enter");
    await isOn("#current_password[aria-invalid]");
    expect(await page.locator("#current_password-error").isVisible()).toBe(true);
    await page.setViewportSize({ width: 800, height: 400 });
    await page.fill("#password-again", "not this one");
    page.once("dialog", (dialog) => dialog.accept());
    await page.press("#password-again", "Enter");
    await isOn("#password-again[aria-invalid]");
    // The address of the form is one that can be gone to, and the page is there in the other language.
    await page.goto(page.url());
    expect(new URL(page.url()).pathname).toBe("/account");
    await page.goto(path);
    await page.click("#conversation-menu summary");
    await page.fill("#new-title", "  ");
    await page.press("#new-title", "Enter");
    await isOn("#new-title[aria-invalid]");
    await page.click("button[value=zh]");
    await page.waitForSelector("html[lang^=zh] h1:text-is('Focus')");
    expect(alice.complaints).toEqual([]);
  });

  test("goes on in a longer list at what came before the rest", async () => {
    await using site = await serve(UNLIMITED);
    await using alice = await open(site, "alice");
    const { page } = alice;
    await register(alice);
    const [access] = (await alice.context.cookies()).filter(({ name }) => name === "duet_access");
    const headers = { authorization: `Bearer ${access!.value}` };
    for (let n = 0; n < 60; n++)
      await site.json("POST", "/api/conversations", { title: `No. ${n}` }, headers);
    await page.goto("/conversations");
    const last = await page.locator("#conversations li:not(.more)").last().getAttribute("id");
    await page.focus(".more a");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.querySelectorAll("#conversations li").length === 60);
    await page.waitForFunction((id) => document.activeElement?.parentElement?.id === id, last);

    // Older messages come in above: one goes on scrolling.
    const path = await startConversation(alice, "Long");
    for (let n = 0; n < 60; n++)
      await site.json("POST", `/api${path}/messages`, { body: `line ${n}` }, headers);
    await page.goto(path);
    await page.waitForFunction(() => document.activeElement?.id === "body");
    await page.focus("#messages .more a");
    await page.waitForFunction(() => document.querySelectorAll(".message").length === 60);
    await page.waitForFunction(() => document.activeElement?.matches(".scroll"));

    // What others do takes nobody's focus, nor moves their cursor.
    const bob = await registerByProgram(site, "bob");
    const carol = await registerByProgram(site, "carol");
    const invite = (username: string) => site.json("POST", `/api${path}/members`, { username }, headers);
    await page.focus("#members summary");
    await invite(bob.username);
    await page.waitForSelector("summary[aria-label='2 members']");
    await page.waitForFunction(() => document.activeElement?.matches("#members summary"));
    await page.fill("#body", "to be changed");
    await page.press("#body", "Enter");
    await page.waitForSelector(".message.own:not(.pending):has-text('to be changed')");
    await page.locator(".message.own").last().hover();
    await page.locator(".tool[href$='/edit']").last().click();
    await page.waitForSelector(".editing textarea:focus");
    await page.keyboard.press("Home");
    await invite(carol.username);
    await page.waitForSelector("summary[aria-label='3 members']");
    await page.keyboard.type("now ");
    expect(await page.inputValue(".editing textarea")).toBe("now to be changed");
  });
});

describeInBrowser("a person who waits", () => {
  test("is shown that something is under way, that there is no connection, and that there is one again", async () => {
    await using site = await serve();
    await using alice = await open(site, "alice");
    const { page } = alice;
    await register(alice);
    await startConversation(alice, "Slow");
    const { promise: isAnswered, resolve: answer } = Promise.withResolvers<void>();
    await page.route("**/search?*", async (route) => {
      const response = await passOn(route);
      await isAnswered;
      await route.fulfill({ response });
    });
    await page.fill("#q", "slow");
    await page.waitForSelector("html[data-busy]");
    answer();
    await page.waitForSelector("html:not([data-busy])");
    await page.waitForSelector("#found mark");
    await alice.context.setOffline(true);
    await page.waitForSelector("#notice:has-text('No connection')");
    await alice.context.setOffline(false);
    await page.waitForFunction(
      () =>
        document.querySelector("#notice")!.childElementCount === 0 &&
        document.querySelector("#notice")!.textContent === "",
    );
  });

  test("takes back what was not sent yet, and finds it where it was typed", async () => {
    await using site = await serve();
    await using alice = await open(site, "alice");
    const { page } = alice;
    await register(alice);
    await startConversation(alice, "Wrong window");
    await alice.context.setOffline(true);
    for (const text of ["to whom", "it may concern"]) {
      await page.fill("#body", text);
      await page.press("#body", "Enter");
    }
    await page.locator(".failed button:text-is('Take back')").first().click();
    expect(await page.inputValue("#body")).toBe("to whom");
    await alice.context.setOffline(false);
    await page.waitForSelector(".message.own:not(.pending)");
    expect(await page.locator(".message .body").allTextContents()).toEqual(["it may concern"]);
  });

  test("is told when the conversation that was open is gone", async () => {
    await using site = await serve();
    await using alice = await open(site, "alice", { locale: "zh-CN" });
    const { page } = alice;
    await register(alice);
    const path = await startConversation(alice, "Going");
    const other = await alice.context.newPage();
    await other.goto("/conversations");
    await other.goto(path);
    await page.click("#conversation-menu summary");
    await page.click("#conversation-menu .danger");
    await other.waitForSelector(".banner:has-text('刚才打开的对话已被删除')");
    // Whoever is typing keeps what they typed, the way out, and the conversation when it is back.
    await page.click("button:has-text('撤销')");
    await page.waitForURL(`**${path}`);
    await other.goto(path);
    await other.setViewportSize({ width: 390, height: 700 });
    await other.fill("#body", "写到一半");
    await page.click("#conversation-menu summary");
    await page.click("#conversation-menu .danger");
    await other.waitForSelector("#notice:has-text('刚才打开的对话已被删除')");
    expect(await other.inputValue("#body")).toBe("写到一半");
    const box = (await other.locator(".back").boundingBox())!;
    const onTop = await other.evaluate(
      ([x, y]) => document.elementFromPoint(x!, y!)?.closest("a")?.className,
      [box.x + box.width / 2, box.y + box.height / 2],
    );
    expect(onTop).toBe("back");
    await page.click("button:has-text('撤销')");
    await other.waitForSelector("#composer button:enabled");
    expect(await other.locator("#notice").textContent()).toBe("");
    await page.click("#conversation-menu summary");
    await page.click("#conversation-menu .danger");
    await page.waitForURL("**/conversations?*");
    // An error page is one's own page, too.
    await other.goto(path);
    expect(await other.textContent(".who-name span")).toBe("alice");
    expect(await other.title()).toContain("Duet");
  });
});

describeInBrowser("a telephone", () => {
  test("starts a new line with Enter, and keeps its keyboard when the button is tapped", async () => {
    await using site = await serve();
    await using alice = await open(site, "alice", {
      viewport: { width: 390, height: 844 },
      hasTouch: true,
      isMobile: true,
    });
    const { page } = alice;
    await register(alice);
    await startConversation(alice, "Phone");
    await page.tap("#body");
    await page.keyboard.type("one");
    await page.keyboard.press("Enter");
    await page.keyboard.type("two");
    await page.tap("#composer button");
    await page.waitForSelector(".message.own:not(.pending)");
    expect(await page.locator(".message .body").allTextContents()).toEqual(["one\ntwo"]);
    expect(await page.evaluate(() => document.activeElement!.id)).toBe("body");
    const tool = (await page.locator(".tool").first().boundingBox())!;
    expect(Math.min(tool.width, tool.height)).toBeGreaterThanOrEqual(40);
  });
});
