// What is on the page follows what happens: each event of the stream, and what it does to what is shown.
//
// DOM: html[data-conversation], the one that is open; #conversations > li[data-updated] and .more; #no-conversations;
// .unread[data-n]; #thread-title; #members; #newer; #composer[data-gone]; .latest on a page from the middle; ids
// conversation-… and message-….

import htmx from "htmx.org";
import { thread } from "./composer.ts";
import type { LiveKind } from "./feed.ts";
import { elementOf } from "./markup.ts";
import { notify } from "./notifications.ts";
import { byId, isVisible, root, say } from "./page.ts";
import { ask } from "./tokens.ts";
import type { LiveEvents } from "./wire.ts";

const open = root.dataset["conversation"];

/** A form that was submitted is loading another page: nobody is sent to a third. */
let leaving = false;
export const isLeaving = () => leaving;

/** A page from the middle, which ends before the latest messages. */
const isOlderPage = () => !!document.querySelector(".latest");
/** What is on a screen that somebody can see has been read. */
const showsLatest = () => isVisible() && !isOlderPage() && !!thread?.isAtEnd();

// --- The list of conversations --------------------------------------------------------------------------------------

let title = document.title;

/** The list has the newest activity first. What belongs further down than is loaded stays out of it. */
function showItem({ conversation, item }: { conversation: string; item: string }) {
  const items = byId("conversations");
  if (!items) return;
  const fresh = elementOf(item);
  const link = fresh.querySelector("a")!;
  const old = byId(fresh.id);
  if (conversation === open) {
    link.setAttribute("aria-current", "page");
    if (showsLatest()) fresh.querySelector(".unread")?.remove();
  }
  const hadFocus = old?.contains(document.activeElement);
  old?.remove();
  const updated = Number(fresh.dataset["updated"]);
  const isOlder = ({ dataset }: HTMLElement) => Number(dataset["updated"]) < updated;
  const next = ([...items.children] as HTMLElement[]).find((each) => each.matches(".more") || isOlder(each));
  if (old || !next?.matches(".more")) items.insertBefore(fresh, next ?? null);
  if (hadFocus) link.focus();
  byId("no-conversations")?.remove();
  countUnread();
}

/** How many messages of the conversations that are listed are unread: in the title, and on the icon of one at home. */
function countUnread() {
  const marks = byId("conversations")?.querySelectorAll<HTMLElement>(".unread") ?? [];
  let n = 0;
  for (const { dataset } of marks) n += Number(dataset["n"]);
  document.title = n > 0 ? `(${n}) ${title}` : title;
  navigator.setAppBadge?.(n).catch(() => undefined);
}

// --- The conversation that is open ----------------------------------------------------------------------------------

function showMessage({ conversation, html }: LiveEvents["message"]) {
  if (conversation !== open || !thread) return;
  const fresh = elementOf(html);
  const old = byId(fresh.id);
  // What is being changed here is shown by the answer to that.
  if (old?.matches(".editing, :has(.htmx-request)")) return;
  if (old) {
    const hadFocus = old.contains(document.activeElement);
    old.replaceWith(fresh);
    if (hadFocus) (fresh.querySelector<HTMLElement>(".tool") ?? byId("body"))?.focus();
    return;
  }
  const [first] = thread.shown();
  const isAbove = first && first.id > fresh.id && document.querySelector("#messages > .more");
  // Of an older page, or one that was changed far above, nothing is shown here.
  if (isOlderPage() || isAbove) return;
  const wasAtEnd = thread.isAtEnd();
  thread.receive(fresh);
  newer!.textContent = newer!.dataset["newer"]!;
  newer!.hidden = wasAtEnd;
  if (!wasAtEnd) return;
  thread.scrollDown();
  void markRead();
}

/** Offers the way down to what has come while somebody reads further up. */
const newer = byId("newer");
newer?.addEventListener("click", () => {
  thread?.scroller.focus();
  thread?.scrollDown();
});

let hasRead = false;
let isReading = false;
let isReadAgain = false;

/** What comes while a mark is under way is marked by a second one. */
async function markRead(): Promise<void> {
  if (!open || !showsLatest()) return;
  hasRead = true;
  isReadAgain = isReading;
  if (isReading) return;
  isReading = true;
  await ask(`/conversations/${open}/read`, { method: "POST" }).catch(() => undefined);
  isReading = false;
  if (isReadAgain) void markRead();
}

/** An invitation that is being typed is not taken away. */
async function showMembers(): Promise<void> {
  const members = byId<HTMLDetailsElement>("members")!;
  if (members.open) return members.addEventListener("toggle", showMembers, { once: true });
  const hadFocus = members.contains(document.activeElement);
  await htmx.ajax("GET", `/conversations/${open}/members`, { target: "#members", swap: "outerHTML" });
  if (hadFocus) byId("members")!.querySelector("summary")!.focus();
}

/** What happened to the conversation, in its place between the messages. */
async function showNotes(): Promise<void> {
  const list = byId("messages")!;
  if (isOlderPage()) return;
  const idOf = ({ id }: Element) => id.slice(id.indexOf("-") + 1);
  const [first] = thread!.shown();
  const last = [...list.querySelectorAll(".note")].at(-1) ?? first;
  const answer = await ask(`/conversations/${open}/notes?after=${last ? idOf(last) : ""}`);
  if (!answer.ok) return;
  const wasAtEnd = thread!.isAtEnd();
  for (const note of elementOf(await answer.text()).querySelectorAll("li")) {
    if (byId(note.id)) continue;
    const items = list.querySelectorAll("[id^=message-], [id^=note-]");
    const next = [...items].find((item) => idOf(item) > idOf(note));
    list.insertBefore(note, next ?? list.querySelector(".pending"));
  }
  if (wasAtEnd) thread!.scrollDown();
}

/** What was deleted is back, or one is in it again. */
function comeBack() {
  const button = byId("composer")!.querySelector("button")!;
  if (button.disabled) say("");
  button.disabled = false;
}

function takeAway({ conversation }: LiveEvents["conversation_removed"]) {
  byId(`conversation-${conversation}`)?.remove();
  countUnread();
  if (conversation !== open || leaving) return;
  const composer = byId("composer")!;
  if (byId<HTMLTextAreaElement>("body")!.value.trim() === "")
    return location.replace("/conversations?gone=1");
  // What is being typed stays for as long as the page does.
  say(composer.dataset["gone"]!);
  composer.querySelector("button")!.disabled = true;
}

// --- Events ---------------------------------------------------------------------------------------------------------

/** What each event of the stream does to the page. */
export const SHOW: { [K in LiveKind]: (data: LiveEvents[K]) => void } = {
  message(data) {
    if (data.isNew) void notify(data);
    showItem(data);
    showMessage(data);
  },
  conversation(data) {
    if (data.conversation === open) {
      comeBack();
      byId("thread-title")!.textContent = data.title;
      title = `${data.title} · Duet`;
      void showNotes();
    }
    showItem(data);
  },
  members(data) {
    showItem(data);
    if (data.conversation !== open) return;
    comeBack();
    void showMembers();
    void showNotes();
  },
  read: showItem,
  conversation_removed: takeAway,
  heartbeat() {},
  reset: () => location.reload(),
};

/** On pages that follow the stream, of which some only listen for the end of their session. */
export function startChanges() {
  if (root.dataset["place"] === undefined) return;
  thread?.scroller.addEventListener("scroll", () => {
    if (!thread?.isAtEnd() || (hasRead && newer!.hidden)) return;
    newer!.hidden = true;
    void markRead();
  });
  document.addEventListener("visibilitychange", markRead);
  document.addEventListener("submit", ({ target, defaultPrevented }) => {
    if (defaultPrevented || (target as HTMLFormElement).method === "dialog") return;
    leaving = true;
    setTimeout(() => (leaving = false), 10_000);
  });
  countUnread();
  // Where the address names a message, the browser has gone to it by then.
  addEventListener("load", markRead);
}
