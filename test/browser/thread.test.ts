import { expect, test } from "bun:test";
import type { Route } from "playwright-core";
import { UNLIMITED } from "../support/app.ts";
import { register as registerByProgram } from "../support/people.ts";
import { answer, describeInBrowser, passOn, say, SENT, serve, shows, signedIn } from "../support/browser.ts";

describeInBrowser("a page of a conversation", () => {
  test("is kept up to date, and marks all that was shown as read, and what it does not show as nothing", async () => {
    await using site = await serve(UNLIMITED);
    await using alice = await signedIn(site, "alice");
    await using bob = await signedIn(site, "bob");
    await registerByProgram(site, "carol");
    const path = await alice.converse("Before");
    const said = (body: string) => alice.program("POST", `${path}/messages`, { body });
    await alice.program("POST", `${path}/members`, { username: "bob" });
    await bob.page.goto(path);
    await bob.page.click("#members summary");
    await alice.program("PATCH", path, { title: "After" });
    await bob.page.waitForSelector("h1:text-is('After')");
    expect(await bob.page.title()).toBe("After · Duet");
    await alice.program("POST", `${path}/members`, { username: "carol" });
    // Not under the hands of whoever has the menu open.
    await bob.page.waitForSelector(".list-title:text-is('After')");
    expect(await bob.page.locator("summary[aria-label='2 members']").count()).toBe(1);
    await bob.page.keyboard.press("Escape");
    await bob.page.waitForSelector("summary[aria-label='3 members']");

    // A title does not bring a conversation to the top; a message does.
    const newer = await alice.program("POST", "/conversations", { title: "Newer" });
    await alice.page.waitForSelector("#conversations li:first-child .list-title:text-is('Newer')");
    await alice.program("PATCH", path, { title: "Again" });
    await alice.page.waitForSelector("#conversations li:nth-child(2) .list-title:text-is('Again')");
    await said("up");
    await alice.page.waitForSelector("#conversations li:first-child .list-title:text-is('Again')");
    expect(await alice.page.locator(`#conversation-${newer.id}`).count()).toBe(1);
    expect(await alice.page.locator("#conversations li").count()).toBe(2);

    // Read, with a second message while the mark for the first is under way.
    await shows(bob.page, "up");
    const loaded = bob.page.waitForResponse((r) => r.url().endsWith("/read"));
    await bob.page.reload();
    await loaded;
    const answerLate = async (route: Route) => {
      const response = await passOn(route);
      await said("said while the mark for the first is under way");
      await shows(bob.page, "said while the mark for the first is under way");
      await route.fulfill({ response });
    };
    await bob.page.route("**/read", answerLate, { times: 1 });
    let marks = 0;
    const markedTwice = new Promise<void>((resolve) =>
      bob.page.on("response", (r) => void (r.url().endsWith("/read") && ++marks === 2 && resolve())),
    );
    await said("first");
    await markedTwice;
    expect((await bob.program("GET", path)).unread).toBe(0);

    // A page from the middle does not show what is new.
    for (let n = 0; n < 60; n++) await said(`line ${n}`);
    const [oldest] = (await bob.program("GET", `${path}/messages`)).items;
    await bob.page.goto(`${path}?before=${oldest.id}`);
    await bob.page.waitForSelector(".latest");
    await said("newest");
    await bob.page.waitForSelector(".unread");
    expect((await bob.program("GET", path)).unread).toBeGreaterThan(0);
    expect(await bob.page.locator(".body:text-is('newest')").count()).toBe(0);
  });

  test("keeps place and focus in long lists: older ones come in above, what is new is offered below, and nobody's cursor moves", async () => {
    await using site = await serve(UNLIMITED);
    await using alice = await signedIn(site, "alice");
    const { page } = alice;
    for (let n = 0; n < 60; n++) await alice.program("POST", "/conversations", { title: `No. ${n}` });
    await page.goto("/conversations");
    const last = await page.locator("#conversations li:not(.more)").last().getAttribute("id");
    await page.focus(".more a");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.querySelectorAll("#conversations li").length === 60);
    await page.waitForFunction((id) => document.activeElement?.parentElement?.id === id, last);

    const { id } = await alice.program("POST", "/conversations", { title: "Long" });
    const path = `/conversations/${id}`;
    const said = (body: string) => alice.program("POST", `${path}/messages`, { body });
    for (let n = 1; n <= 70; n++) await said(`message ${n}`);
    await page.goto(path);
    await page.waitForFunction(() => document.activeElement?.id === "body");
    expect(await page.locator(".message").last().isVisible()).toBe(true);

    // What is new is offered to whoever reads further up, until they have seen it.
    const scrollTo = (top: number) =>
      page.evaluate((to) => document.querySelector(".scroll")!.scrollTo({ top: to }), top);
    const boxOf = async (selector: string) => (await page.locator(selector).boundingBox())!;
    const composerBefore = await boxOf("#composer");
    await scrollTo(-600);
    await said("new one");
    await page.waitForSelector("#newer");
    const [head, button, composer] = [
      await boxOf(".thread-head"),
      await boxOf("#newer"),
      await boxOf("#composer"),
    ];
    expect(button.y).toBeGreaterThan(head.y + head.height + 200);
    expect(button.y + button.height).toBeLessThan(composer.y);
    // Nothing else has moved for it.
    expect(composer).toEqual(composerBefore);
    expect(button.x).toBeGreaterThan(head.x + head.width / 4);
    await scrollTo(0);
    await page.waitForSelector("#newer", { state: "hidden" });

    // Scrolling up is enough: what is older comes in above, and what is being read stays where it is.
    const scroller = await boxOf(".scroll");
    await page.mouse.move(scroller.x + 100, scroller.y + 100);
    await page.mouse.wheel(0, -10_000); // to the top of what is there
    await page.waitForFunction(() => document.querySelectorAll(".message").length === 71);
    const { y } = await boxOf(".message:has-text('message 21')");
    expect(y - scroller.y).toBeGreaterThan(-60);
    // By no more than the name that it stood under: it is one of many now.
    expect(y - scroller.y).toBeLessThan(180);
    expect(await page.locator("#messages .more").count()).toBe(0);

    // By keyboard, one goes on scrolling.
    await page.reload();
    await page.focus("#messages .more a");
    await page.waitForFunction(() => document.querySelectorAll(".message").length === 71);
    await page.waitForFunction(() => document.activeElement?.matches(".scroll"));

    // What others do takes nobody's focus, nor moves their cursor.
    const invite = async (username: string) => {
      await registerByProgram(site, username);
      await alice.program("POST", `${path}/members`, { username });
    };
    await page.focus("#members summary");
    await invite("bob");
    await page.waitForSelector("summary[aria-label='2 members']");
    await page.waitForFunction(() => document.activeElement?.matches("#members summary"));
    await say(page, "to be changed");
    await page.waitForSelector(`${SENT}:has-text('to be changed')`);
    await page.locator(".message.own").last().hover();
    await page.locator(".tool[href$='/edit']").last().click();
    await page.waitForSelector(".editing textarea:focus");
    await page.keyboard.press("Home");
    await invite("carol");
    await page.waitForSelector("summary[aria-label='3 members']");
    await page.keyboard.type("now ");
    expect(await page.inputValue(".editing textarea")).toBe("now to be changed");
  });

  test("says when its conversation is gone, keeps what was being typed, and comes back with it", async () => {
    await using site = await serve();
    await using alice = await signedIn(site, "alice", { locale: "zh-CN" });
    const { page } = alice;
    const path = await alice.converse("Going");
    const other = await alice.context.newPage();
    await other.goto(path);
    const remove = async () => {
      await page.click("#conversation-menu summary");
      await page.click("#conversation-menu .danger");
    };
    await remove();
    await other.waitForSelector(".banner:has-text('对话已删除，或你已不是成员')");
    // Whoever is typing keeps what they typed, the way out, and the conversation when it is back.
    await page.click("button:has-text('撤销')");
    await page.waitForURL(`**${path}`);
    await other.goto(path);
    await other.setViewportSize({ width: 390, height: 700 });
    await other.fill("#body", "写到一半");
    await remove();
    await other.waitForSelector("#notice:has-text('此对话已不可用。离开页面前请先复制输入的内容。')");
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
    await remove();
    await page.waitForURL("**/conversations?*");
    // An error page is one's own page, too.
    await other.goto(path);
    expect(await other.textContent(".who-name span")).toBe("alice");
    expect(await other.title()).toContain("Duet");
  });
});

describeInBrowser("a thread", () => {
  test("has names, days and times once where they are needed, and in full for who asks", async () => {
    await using site = await serve();
    await using alice = await signedIn(site, "alice");
    const { page } = alice;
    const bob = await registerByProgram(site, "bob");
    const { id } = await alice.program("POST", "/conversations", { title: "Days" });
    await alice.program("POST", `/conversations/${id}/members`, { username: "bob" });
    const says = (body: string) => bob.call("POST", `/api/conversations/${id}/messages`, { body });
    for (const body of ["yesterday", "yesterday, too", "today"]) await says(body);
    const DAY = 24 * 60 * 60 * 1000;
    await site.sql("UPDATE messages SET created_at = created_at - $1 WHERE body LIKE 'yesterday%'", DAY);
    await site.sql("UPDATE notes SET created_at = created_at - $1", DAY);
    await page.goto(`/conversations/${id}`);
    const items = () =>
      page.evaluate(() =>
        [...document.querySelectorAll("#messages > li")].map((item) => {
          const [kind] = item.className.split(" ");
          return [kind, item.matches(".follows"), item.querySelector(".body")?.textContent]
            .filter(Boolean)
            .join(" ");
        }),
      );
    await page.waitForSelector("#messages .day");
    const before = [
      "day",
      "note",
      "message yesterday",
      "message true yesterday, too",
      "day",
      "message today",
    ];
    expect(await items()).toEqual(before);
    // What comes by the stream is put under the same name.
    await says("today, too");
    await shows(page, "today, too");
    expect(await items()).toEqual([...before, "message true today, too"]);
    const time = page.locator(".message time").last();
    expect(await time.locator("[aria-hidden]").textContent()).toMatch(/^\d{1,2}:\d\d [AP]M$/);
    expect(await time.locator(".visually-hidden").textContent()).toMatch(/^\w+day, \w+ \d+, \d{4} at /);
    expect(await time.getAttribute("title")).toMatch(/^\w+day, /);
    // What is on its way, and what has come, stand together as well.
    await say(page, "mine");
    await say(page, "mine, too");
    await page.waitForFunction(() => document.querySelectorAll(".own.follows:not(.pending)").length === 1);
    // What happens meanwhile stands at its place at once.
    await bob.call("DELETE", `/api/conversations/${id}/members/${bob.id}`);
    await page.waitForSelector("#messages > :last-child.note:has-text('bob left')");
    expect(alice.complaints).toEqual([]);
  });

  test("goes back to where one stopped reading, and says how many are below; ↑ changes the last of one's own", async () => {
    await using site = await serve(UNLIMITED);
    await using alice = await signedIn(site, "alice");
    const { page } = alice;
    const bob = await registerByProgram(site, "bob");
    const { id } = await alice.program("POST", "/conversations", { title: "Long" });
    await alice.program("POST", `/conversations/${id}/members`, { username: "bob" });
    const says = (body: string) => bob.call("POST", `/api/conversations/${id}/messages`, { body });
    for (let n = 0; n < 20; n++) await says(`read ${n}`);
    await alice.program("POST", `/conversations/${id}/read`, {});
    for (let n = 0; n < 20; n++) await says(`unread ${n}`);
    await page.goto(`/conversations/${id}`);
    await page.waitForSelector("#newer:has-text('20 unread messages below')");
    const [line, scroller] = [
      (await page.locator("#new-line").boundingBox())!,
      (await page.locator(".scroll").boundingBox())!,
    ];
    expect(line.y - scroller.y).toBeLessThan(60);
    const unread = async () => (await alice.program("GET", `/conversations/${id}`)).unread;
    expect(await unread()).toBe(20);
    await page.click("#newer");
    await page.waitForSelector("#newer", { state: "hidden" });
    await page.waitForFunction(() => !document.querySelector("#conversations .unread"));
    while ((await unread()) > 0);

    await page.fill("#body", "a word");
    await page.press("#body", "Enter");
    await page.waitForSelector(`${SENT}:has-text('a word')`);
    // Not while something is being typed.
    await page.fill("#body", "typed");
    await page.press("#body", "ArrowUp");
    expect(await page.locator(".editing").count()).toBe(0);
    await page.fill("#body", "");
    await page.press("#body", "ArrowUp");
    await page.waitForSelector(".editing textarea:focus");
    await page.keyboard.type(", changed");
    await page.keyboard.press("Enter");
    await page.waitForSelector(`${SENT}:has-text('a word, changed')`);
    expect(alice.complaints).toEqual([]);
  });
});

describeInBrowser("the list", () => {
  test("has its head where it is while it is scrolled, one button for a new one, and is narrower on a tablet", async () => {
    await using site = await serve(UNLIMITED);
    await using alice = await signedIn(site, "alice", { viewport: { width: 1280, height: 600 } });
    const { page } = alice;
    for (let n = 0; n < 20; n++) await alice.program("POST", "/conversations", { title: `Talk ${n}` });
    await page.goto("/conversations");
    const headAt = async () => (await page.locator("#q").boundingBox())!;
    const before = await headAt();
    await page.locator("#conversations li").last().scrollIntoViewIfNeeded();
    expect(await headAt()).toEqual(before);
    expect(await page.locator("#title:visible").count()).toBe(0);
    await page.click(".new-menu summary");
    await page.waitForFunction(() => document.activeElement?.id === "title");
    const widthAt = async (width: number) => {
      await page.setViewportSize({ width, height: 600 });
      return (await page.locator(".sidebar").boundingBox())!.width;
    };
    expect(await widthAt(1280)).toBeGreaterThan(340);
    expect(await widthAt(768)).toBeLessThan(260);
    expect(alice.complaints).toEqual([]);
  });

  test("has its last message and what is unread as they come, in bold", async () => {
    await using site = await serve();
    await using alice = await signedIn(site, "alice");
    const { page } = alice;
    const bob = await registerByProgram(site, "bob");
    const { id } = (await bob.call("POST", "/api/conversations", { title: "Plans" })).body;
    await page.goto("/conversations");
    await page.waitForSelector("#no-conversations");
    await bob.call("POST", `/api/conversations/${id}/members`, { username: "alice" });
    await page.waitForSelector("#conversations .preview:has-text('No messages yet')");
    await bob.call("POST", `/api/conversations/${id}/messages`, { body: "hello" });
    await page.waitForSelector("#conversations .preview:has-text('bob: hello')");
    const weight = () =>
      page.evaluate(() => Number(getComputedStyle(document.querySelector(".preview")!).fontWeight));
    expect(await weight()).toBeGreaterThan(600);
    await page.click(".list-title");
    await page.waitForFunction(() => !document.querySelector("#conversations .unread"));
    expect(await weight()).toBe(400);
    expect(alice.complaints).toEqual([]);
  });
});

describeInBrowser("the keyboard", () => {
  test("finds conversations and goes through them alone", async () => {
    await using site = await serve();
    await using alice = await signedIn(site, "alice");
    const { page } = alice;
    for (const title of ["Apples", "Pears"]) await alice.program("POST", "/conversations", { title });
    await alice.converse("Plums");
    await say(page, "a basket of pears and <b>plums</b>");
    await page.waitForSelector(SENT);
    await page.locator("#thread-title").click(); // nothing is being typed
    await page.keyboard.press("/");
    await page.keyboard.type("pear");
    await page.waitForSelector("#found mark");
    expect(await page.locator("#found .list a").allInnerTexts()).toHaveLength(2);
    expect(await page.innerText("#found .excerpt")).toBe("a basket of pears and <b>plums</b>");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.waitForSelector("h1:has-text('Pears')");
    // What was found is still there: whoever opened one hit goes on to the next.
    await page.keyboard.press("/");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".message:target");
    await page.waitForFunction(() => document.activeElement?.matches("#found [aria-current]"));
    await page.keyboard.press("/");
    await page.keyboard.press("Escape");
    await page.waitForSelector("#found:empty", { state: "attached" });
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowUp");
    expect(await page.evaluate(() => document.activeElement!.textContent)).toContain("Plums");
    await page.keyboard.press("Enter");
    await page.waitForSelector("h1:has-text('Plums')");
    expect(alice.complaints).toEqual([]);
  });

  test("stays where somebody works, whatever is replaced around it", async () => {
    await using site = await serve(UNLIMITED);
    await using alice = await signedIn(site, "alice");
    const { page } = alice;
    const isOn = (selector: string) =>
      page.waitForFunction((wanted) => document.activeElement?.matches(wanted), selector);
    await page.goto("/conversations");
    await page.fill("#title", "   ");
    await page.click("#new-conversation button");
    await page.waitForSelector("#new-conversation .error");
    await isOn("#title");
    const path = await alice.converse("Focus");
    await page.click("#members summary");
    await page.fill("#username", "nobody");
    await page.click("#members button[type=submit]");
    await page.waitForSelector("#members .error");
    await isOn("#username");
    await page.keyboard.press("Escape");

    // A message is changed as it is written: the cursor at its end, Enter sends, Escape leaves it as it was.
    await say(page, "hello");
    await page.waitForSelector(SENT);
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
    await page.press("#password-again", "Enter");
    await answer(page, true);
    await isOn("#password-again[aria-invalid]");
    // The address of the form is one that can be gone to, and the page is there in the other language.
    await page.goto(page.url());
    expect(new URL(page.url()).pathname).toBe("/account");
    await page.goto(path);
    await page.click("#conversation-menu summary");
    await page.fill("#new-title", "  ");
    await page.press("#new-title", "Enter");
    await isOn("#new-title[aria-invalid]");
    await page.click("#me summary");
    await page.click("button[value=zh]");
    await page.waitForSelector("html[lang^=zh] h1:text-is('Focus')");
    expect(alice.complaints).toEqual([]);
  });
});

describeInBrowser("a slow connection", () => {
  test("shows no half of a thread and no time in another zone, but all of both if the script never comes", async () => {
    await using site = await serve();
    await using alice = await signedIn(site, "alice");
    const { page } = alice;
    const path = await alice.converse("Slow");
    await say(page, "hello");
    await page.waitForSelector(SENT);
    await page.route("**/assets/*.js", (route) => route.abort());
    await page.goto(path, { waitUntil: "commit" });
    const first = page.locator("time").first();
    await first.waitFor({ state: "attached" });
    const visibility = () => first.evaluate((time) => getComputedStyle(time).visibility);
    expect(await visibility()).toBe("hidden");
    await first.evaluate((time) =>
      Promise.all(time.getAnimations().map((each) => (each.finish(), each.finished))),
    );
    expect(await visibility()).toBe("visible");
    expect(await page.locator("link[rel=expect][blocking=render]").getAttribute("href")).toBe("#composer");
  });
});

describeInBrowser("a telephone", () => {
  test("shows list and thread as separate screens, starts a line with Enter, keeps its keyboard, and nothing sticks out", async () => {
    await using site = await serve();
    const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
    await using alice = await signedIn(site, "alice", phone);
    const { page } = alice;
    await alice.converse("A title that is far too long for a telephone ".repeat(4));
    expect(await page.locator(".sidebar").isVisible()).toBe(false);
    await page.tap("#body");
    await page.keyboard.type("one");
    await page.keyboard.press("Enter");
    await page.keyboard.type("two");
    await page.tap("#composer button");
    await page.waitForSelector(SENT);
    expect(await page.locator(".message .body").allTextContents()).toEqual(["one\ntwo"]);
    expect(await page.evaluate(() => document.activeElement!.id)).toBe("body");
    // What can be done with a message is there once it is touched, and for as long.
    expect(await page.locator(".tool").first().isVisible()).toBe(false);
    await page.tap(".message .body");
    const tool = (await page.locator(".tool").first().boundingBox())!;
    expect(Math.min(tool.width, tool.height)).toBeGreaterThanOrEqual(40);

    await page.fill("#body", "x".repeat(400));
    await page.tap("#composer button");
    await page.waitForFunction((sent) => document.querySelectorAll(sent).length === 2, SENT);
    const sticksOut = () => page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
    expect(await sticksOut()).toBe(false);
    await page.tap("#members summary");
    const popover = (await page.locator("#members .popover").boundingBox())!;
    expect(popover.x).toBeGreaterThanOrEqual(0);
    expect(popover.x + popover.width).toBeLessThanOrEqual(390);
    await page.keyboard.press("Escape");
    await page.tap(".back");
    await page.waitForURL("**/conversations");
    expect(await page.locator(".thread").isVisible()).toBe(false);
    expect(await sticksOut()).toBe(false);
  });

  test("shows code as it stands, which a button copies, and a phone scrolls inside it", async () => {
    await using site = await serve(UNLIMITED);
    await using alice = await signedIn(site, "alice", { viewport: { width: 390, height: 844 } });
    const { page } = alice;
    const path = await alice.converse("Code");
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.goto(path);
    const code = `const wide = "${"x".repeat(80)}";\n\tif (a < b) return;`;
    await alice.program("POST", `${path}/messages`, { body: `see\n\`\`\`ts\n${code}\n\`\`\`\nor \`b\`` });
    await page.click("[data-copy]");
    await page.waitForSelector("[data-copy]:text-is('Copied')");
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(code);
    const widths = await page.evaluate(() => {
      const { scrollWidth, clientWidth } = document.querySelector(".code code")!;
      return { isWider: scrollWidth > clientWidth, page: document.documentElement.scrollWidth };
    });
    expect(widths).toEqual({ isWider: true, page: 390 });
    // Where the clipboard is closed to pages it is marked.
    await page.reload();
    await page.evaluate(() => Object.defineProperty(navigator, "clipboard", { value: undefined }));
    await page.click("[data-copy]");
    expect(await page.evaluate(() => getSelection()!.toString())).toBe(code);
    expect(alice.complaints).toEqual([]);
  });
});
