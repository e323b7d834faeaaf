// The keyboard: Enter and Escape where one writes, arrows along lists, `/` for the search.
//
// DOM: #q, #found, #conversations, .list > li > a, .editing (form, and a link that cancels), details.menu.

import { byId, say } from "./page.ts";

/** Keys belong to whoever writes Chinese until the word is chosen; Safari says so by the key code alone. */
export const isComposing = (event: KeyboardEvent) => event.isComposing || event.keyCode === 229;

/** On a telephone there is no Shift+Enter, so Enter starts a line there. */
export const sendsByEnter = ({ key, shiftKey }: KeyboardEvent) =>
  key === "Enter" && !shiftKey && matchMedia("(pointer: fine)").matches;

const isTyping = (target: Element) => target.matches("input, textarea");

/** Moves the focus along the links of a list. */
function moveAlong(list: Element, from: Element | null, step: number) {
  const links = [...list.querySelectorAll<HTMLElement>(":scope > li > a")];
  links[links.indexOf(from as HTMLElement) + step]?.focus();
}

function press(event: KeyboardEvent) {
  const { key } = event;
  const target = event.target as HTMLElement;
  const search = byId<HTMLInputElement>("q");
  if (isComposing(event)) return;
  if (key === "/" && !isTyping(target) && !event.ctrlKey && !event.metaKey && search) {
    event.preventDefault();
    search.select();
  }
  const list = target.closest(".list");
  const editing = target.closest(".editing");
  if (editing && key === "Escape") editing.querySelector("a")!.click();
  if (editing && isTyping(target) && sendsByEnter(event)) {
    event.preventDefault();
    editing.querySelector("form")!.requestSubmit();
  }
  if (list && (key === "ArrowDown" || key === "ArrowUp")) {
    event.preventDefault();
    moveAlong(list, target.closest("a"), key === "ArrowDown" ? 1 : -1);
  }
  if (key === "ArrowDown" && target === search) {
    event.preventDefault();
    document.querySelector<HTMLElement>("#found .list a, #conversations a")?.focus();
  }
  if (key !== "Escape" || document.querySelector("#confirm[open]")) return;
  say("");
  if (target === search && search.value) {
    search.value = "";
    search.dispatchEvent(new Event("input", { bubbles: true }));
  }
  const menu = document.querySelector<HTMLDetailsElement>("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary")!.focus();
}

export function startKeys() {
  document.addEventListener("keydown", press);
  // Whoever opened one hit goes on to the next from there; the browser itself goes to what the address names before that.
  addEventListener("load", () => document.querySelector<HTMLElement>("#found [aria-current]")?.focus());
}
