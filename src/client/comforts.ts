// Small comforts: questions before what cannot be undone, menus that close, errors that go when they are mended.
//
// DOM: form[data-confirm], form[data-unsent], dialog#confirm with its question and answers, dialog [data-close], #notice, details.menu, details.new-menu, .message .tools, #x-error beside the field #x, a[data-download], button[data-copy][data-copied] after the code.

import { hasUnsent } from "./composer.ts";
import { byId, root, say, sayOffline } from "./page.ts";

/** The code before the button; where the clipboard is closed to pages it is marked, for a key or a finger to copy. */
async function copy(button: HTMLElement) {
  const code = button.previousElementSibling!;
  getSelection()!.selectAllChildren(code);
  try {
    await navigator.clipboard.writeText(code.textContent);
    button.textContent = button.dataset["copied"]!;
  } catch {
    // It stays marked.
  }
}

const pathOf = (url: string) => new URL(url).pathname;

/** In a dialog of our own, whose first answer leaves everything as it is. */
function ask(question: string, yes: string, go: () => void) {
  const dialog = byId<HTMLDialogElement>("confirm")!;
  dialog.querySelector("p")!.textContent = question;
  dialog.querySelector("[value=yes]")!.textContent = yes;
  dialog.returnValue = "";
  dialog.addEventListener("close", () => dialog.returnValue === "yes" && go(), { once: true });
  dialog.showModal();
}

export function startComforts() {
  /** Forms whose question was answered with yes. */
  const answered = new WeakSet<HTMLFormElement>();

  document.addEventListener(
    "submit",
    (event) => {
      const form = event.target as HTMLFormElement;
      const { confirm: asked, unsent } = form.dataset;
      const question = asked ?? (unsent && hasUnsent() ? unsent : "");
      if (!question || answered.delete(form)) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      const { submitter } = event;
      const yes = submitter?.getAttribute("aria-label") ?? submitter?.textContent ?? "";
      ask(question, yes, () => {
        // It may have been drawn anew meanwhile.
        const isSame = ({ action }: HTMLFormElement) => pathOf(action) === pathOf(form.action);
        const now = form.isConnected ? form : [...document.forms].find(isSame);
        if (!now) return;
        answered.add(now);
        // Who has no script is asked by the server.
        const sure = { type: "hidden", name: "sure", value: "yes" };
        now.append(Object.assign(document.createElement("input"), sure));
        now.requestSubmit(now === form ? submitter : null);
        answered.delete(now);
      });
    },
    true,
  );

  // What the browser does for a page that is on its way, for a phone that shows nothing of it.
  addEventListener("beforeunload", () => {
    if (!document.activeElement?.matches("[data-download]")) root.setAttribute("data-busy", "");
  });
  addEventListener("offline", sayOffline);
  addEventListener("online", () => say(""));

  // What is being put right is no longer called wrong.
  document.addEventListener("input", ({ target }) => {
    const field = target as HTMLElement;
    byId(`${field.id}-error`)?.remove();
    field.removeAttribute("aria-invalid");
  });

  let touched: Element | null = null;

  document.addEventListener("click", ({ target }) => {
    const clicked = target as Element;
    // What is asked is not elsewhere: the menu that it came from stays.
    if (clicked.closest("#confirm")) return;
    if (clicked.closest("[data-close]")) clicked.closest("dialog")!.close();
    if (clicked.closest("#notice")) say("");
    const opener = clicked.closest(".new-menu > summary");
    if (opener) requestAnimationFrame(() => opener.parentElement!.querySelector("input")!.focus());
    // Where nothing hovers, what can be done with a message is shown when it is touched.
    const message = clicked.closest(".message");
    touched?.classList.toggle("touched", false);
    touched = message === touched ? null : message;
    touched?.classList.toggle("touched", true);
    const copying = clicked.closest<HTMLElement>("[data-copy]");
    if (copying) void copy(copying);
    for (const menu of document.querySelectorAll<HTMLDetailsElement>("details.menu[open]"))
      if (!menu.contains(clicked)) menu.open = false;
  });
}
