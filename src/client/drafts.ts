// What is typed and not sent: kept for every field of every form, over reloads, closed tabs and lost sessions, and the
// same in all tabs of the browser. It goes when it is sent, when its author takes it out, and with the sign-out.
//
// DOM: form[method=post] outside a dialog, with textareas and inputs that are no passwords; [data-discard], by which
// the form around it is given up.

import htmx from "htmx.org";
import { byId, viewer } from "./page.ts";
import { createShelf, localStore } from "./shelf.ts";

type Field = HTMLInputElement | HTMLTextAreaElement;

/** By the address that the text is sent to, and the field. */
export const drafts = createShelf(localStore, `draft:${viewer}:`);
export const draftOf = (path: string, field = "body") => `${path} ${field}`;

const FIELDS = ":is(textarea, input):not([type=hidden], [type=password], dialog *)";
const fieldsIn = (within: ParentNode) =>
  [...within.querySelectorAll<Field>(`form[method=post] ${FIELDS}`)] as readonly Field[];
const nameOf = ({ form, name }: Field) => draftOf(new URL(form!.action).pathname, name);

/** Puts what was typed back into fields that have come onto the page. */
export function restoreDrafts(within: ParentNode) {
  if (!viewer) return;
  for (const field of fieldsIn(within)) {
    const draft = field.value === field.defaultValue && drafts.get(nameOf(field));
    if (!draft) continue;
    field.value = draft;
    // What was begun is seen.
    field.closest(".new-menu")?.setAttribute("open", "");
  }
}

/** What was typed into a form has been sent, or is not wanted any more. */
export const discardDrafts = (form: ParentNode) =>
  fieldsIn(form).forEach((field) => drafts.set(nameOf(field), ""));

const SENT = "sent";

export function startDrafts() {
  if (!viewer) return;
  // A form without htmx has been sent when the page is here to which its answer leads: not one that is gone back to, or
  // opened by other means after nothing came.
  const [navigation] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
  const sent = JSON.parse(sessionStorage.getItem(SENT) ?? "[]") as string[];
  const isAnswer = navigation?.type === "navigate" && navigation.redirectCount > 0;
  if (isAnswer) for (const name of sent) drafts.set(name, "");
  sessionStorage.removeItem(SENT);
  document.addEventListener("submit", ({ target, defaultPrevented }) => {
    const names = fieldsIn(target as HTMLFormElement).map(nameOf);
    if (!defaultPrevented && names.length > 0) sessionStorage.setItem(SENT, JSON.stringify(names));
  });

  document.addEventListener("input", ({ target }) => {
    const field = target as Field;
    if (field.matches(`form[method=post] ${FIELDS}`))
      drafts.set(nameOf(field), field.value === field.defaultValue ? "" : field.value);
  });
  document.addEventListener("click", ({ target }) => {
    const form = (target as Element).closest("[data-discard]")?.closest("form");
    if (form) discardDrafts(form);
  });
  drafts.hear((name, text, old) => {
    for (const field of fieldsIn(document)) {
      const { value, defaultValue } = field;
      // Not over something else that is being typed here at the same time.
      if (nameOf(field) === name && value === (old || defaultValue)) field.value = text || defaultValue;
    }
  });
  // A message that was being changed is being changed again; of one that was deleted the text is not lost.
  for (const name of drafts.names()) {
    const [, conversation, id] = /^(.+)\/messages\/(.+) body$/.exec(name) ?? [];
    const item = id && byId(`message-${id}`);
    if (!item) continue;
    if (item.querySelector(".tool")) {
      const edit = `${conversation}/messages/${id}/edit`;
      void htmx.ajax("GET", edit, { target: `#message-${id}`, swap: "outerHTML" });
    } else if (item.querySelector(".gone")) {
      drafts.add(draftOf(conversation!), drafts.get(name));
      drafts.set(name, "");
    }
  }
  restoreDrafts(document);
}
