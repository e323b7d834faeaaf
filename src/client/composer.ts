// The composer: what is sent shows at once, in every tab, and what fails stays and can be sent again.
// Without this script it is a form.
//
// DOM: form#composer (its data-* are words) with #body and #composer-error; template#pending-message; ol#messages in
// .scroll, which is laid out from its end; #no-messages; .latest on a page from the middle.

import { draftOf, drafts } from "./drafts.ts";
import { isComposing, sendsByEnter } from "./keys.ts";
import { elementOf, textOf } from "./markup.ts";
import { byId, say, viewer } from "./page.ts";
import { createOutbox, outcomeOf, type Entry, type Outbox, type OutboxView } from "./outbox.ts";
import { createShelf, localStore } from "./shelf.ts";
import { ask } from "./tokens.ts";

/** The messages on the page, as what changes elsewhere finds them. */
export type Thread = {
  scroller: HTMLElement;
  /** In the order of their ids, which is that of time (UUIDv7). */
  shown(): HTMLElement[];
  /** Puts in what the event stream brings. */
  receive(item: HTMLElement): void;
  isAtEnd(): boolean;
  scrollDown(): void;
};

const unsentOf = (viewer: string) => `unsent:${viewer}:`;

/** Whether something was typed or sent that a sign-out would take away, by whoever uses this browser. */
export const hasUnsent = () =>
  ["draft:", "unsent:"].some((prefix) => createShelf(localStore, prefix).names().length > 0);

/** Undefined where no conversation is open. */
export let thread: Thread | undefined;

/** Delivers what was sent, on every page of somebody who is signed in. */
export function startComposer() {
  if (!viewer) return;
  const elsewhere: OutboxView = { refused: ({ body }, reason) => void say(`${reason}\n${body}`) };
  let open: (OutboxView & { url: string }) | undefined;

  const outbox = createOutbox({
    unsent: createShelf(localStore, unsentOf(viewer)),
    post: async ({ url, key, body }) => {
      const response = await ask(url, {
        method: "POST",
        // Goes out even if the page is left at once; browsers allow it up to 64 KiB.
        keepalive: body.length < 5000,
        body: new URLSearchParams({ body, idempotency_key: key }),
      });
      return outcomeOf(response, textOf);
    },
    viewOf: (url) => (open?.url === url ? open : elsewhere),
    later(work, ms) {
      const timer = setTimeout(work, ms);
      return () => clearTimeout(timer);
    },
    putBack: ({ url, body }) => drafts.add(draftOf(url), body),
  });
  addEventListener("online", outbox.deliver);
  document.addEventListener("duet:signed-in", outbox.deliver);

  const composer = byId<HTMLFormElement>("composer");
  if (composer) ({ view: open, thread } = openThread(composer, outbox));
  void outbox.deliver();
}

function openThread(composer: HTMLFormElement, outbox: Outbox) {
  const text = byId<HTMLTextAreaElement>("body")!;
  const list = byId("messages")!;
  const scroller = document.querySelector<HTMLElement>(".scroll")!;
  const pending = byId<HTMLTemplateElement>("pending-message")!.content.firstElementChild!;
  const words = composer.dataset;
  const url = new URL(composer.action).pathname;

  const draft = draftOf(url);

  // --- What is wrong ------------------------------------------------------------------------------------------------

  text.addEventListener("input", () => complain(""));

  function complain(message: string) {
    byId("composer-error")!.textContent = message;
    if (message) text.setAttribute("aria-invalid", "true");
    else text.removeAttribute("aria-invalid");
  }

  // --- What is on its way -------------------------------------------------------------------------------------------

  /** What shows each entry; not on the page while a message with the same text, which came by the stream, stands for it. */
  const items = new Map<Entry, HTMLElement>();

  function draw(entry: Entry) {
    const item = pending.cloneNode(true) as HTMLElement;
    item.querySelector(".body")!.textContent = entry.body;
    item.querySelector("[data-again]")!.addEventListener("click", outbox.deliver);
    item.querySelector("[data-back]")!.addEventListener("click", () => takeBack(entry));
    items.set(entry, list.appendChild(item));
    byId("no-messages")?.remove();
    scrollDown();
  }

  function show(entry: Entry, state: string, isFailed: boolean) {
    const item = items.get(entry);
    item?.classList.toggle("failed", isFailed);
    item?.querySelector(".state")!.replaceChildren(state);
  }

  function drop(entry: Entry) {
    items.get(entry)?.remove();
    items.delete(entry);
  }

  /** Back to where it was typed. */
  function takeBack(entry: Entry) {
    outbox.takeBack(entry);
    view.refused(entry, "");
  }

  const view = {
    url,
    added: draw,
    dropped: drop,
    waiting: (entry: Entry) => show(entry, words["sending"]!, false),
    failed(entry: Entry) {
      const item = items.get(entry);
      entry.failures = (entry.failures ?? 0) + 1;
      // If it goes on failing, what came by the stream was another one.
      if (item && !item.isConnected && entry.failures > 3) {
        list.append(item);
        scrollDown();
      }
      show(entry, words["failed"]!, true);
    },
    /** The event stream may have brought it already. */
    arrived(entry: Entry, markup: string) {
      // On a page from the middle it has no place.
      if (document.querySelector(".latest")) return location.assign(url);
      // Taken back meanwhile in another tab: it is there all the same, and the stream shows it.
      const isShown = items.get(entry)?.isConnected;
      const wasAtEnd = isAtEnd();
      drop(entry);
      if (!isShown) return;
      const fresh = elementOf(markup);
      if (!byId(fresh.id)) insert(fresh);
      if (wasAtEnd) scrollDown();
    },
    refused(entry: Entry, reason: string) {
      drop(entry);
      text.value = drafts.get(draft);
      complain(reason);
      text.focus();
    },
  };

  // --- The thread ---------------------------------------------------------------------------------------------------

  const isAtEnd = () => Math.abs(scroller.scrollTop) < 80;
  const scrollDown = () => scroller.scrollTo({ top: 0 });
  const shown = () => [...list.querySelectorAll<HTMLElement>("[id^=message-]")];

  /** Where it belongs: one's own answer may come before what others said a moment earlier, or after it. */
  function insert(item: HTMLElement) {
    const next = shown().find(({ id }) => id > item.id) ?? list.querySelector(".pending");
    list.insertBefore(item, next);
    byId("no-messages")?.remove();
  }

  /** If the stream is faster than the answer, one message is not shown twice until that comes. */
  function receive(item: HTMLElement) {
    insert(item);
    const said = item.matches(".own") && item.querySelector(".body")!.textContent;
    const own = outbox.entries.find(
      (entry) => items.get(entry)?.isConnected && entry.isTried && entry.body === said,
    );
    if (!own) return;
    items.get(own)!.remove();
    own.failures = 0;
  }

  // --- Sending ------------------------------------------------------------------------------------------------------

  composer.addEventListener("submit", (event) => {
    event.preventDefault();
    if (text.value.trim() === "") return;
    if ([...text.value].length > Number(words["max"])) return complain(words["tooLong"]!);
    const entry = { url, key: crypto.randomUUID(), body: text.value };
    draw(entry);
    text.value = "";
    drafts.set(draft, "");
    outbox.add(entry);
  });

  // ↑ goes to the last of one's own, to be changed.
  text.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowUp" || text.value !== "" || isComposing(event)) return;
    const own = [...list.querySelectorAll<HTMLElement>(".own a.tool")].at(-1);
    if (!own) return;
    event.preventDefault();
    own.click();
  });

  text.addEventListener("keydown", (event) => {
    if (!sendsByEnter(event) || isComposing(event)) return;
    event.preventDefault();
    composer.requestSubmit();
  });

  // A tap on the button does not close the telephone's keyboard.
  composer.querySelector("button")!.addEventListener("pointerdown", (event) => {
    if (document.activeElement === text) event.preventDefault();
  });

  // What a reload or a closed laptop has cut off is shown again, and goes on.
  for (const entry of outbox.entries) if (entry.url === url) draw(entry);

  const isTaken = location.hash || document.querySelector("main [autofocus], #found [aria-current]");
  if (matchMedia("(pointer: fine)").matches && !isTaken) text.focus();

  return { view, thread: { scroller, shown, receive, isAtEnd, scrollDown } };
}
