// Markup of our own server, put into the page under Trusted Types: it may be inserted, scripts in it may not run.
//
// DOM: nothing but what it is given.

import htmx from "htmx.org";
import { localizeTimes } from "./times.ts";

type Policy = { createHTML(markup: string): string };
declare global {
  interface Window {
    /** Not in every browser, and not in TypeScript's types. */
    trustedTypes?: {
      createPolicy(name: string, rules: Policy & { createScript(script: string): string }): Policy;
    };
  }
}

export const refuse = (): never => {
  throw new Error("no eval");
};

export const policy = window.trustedTypes?.createPolicy("htmx", {
  createHTML: (markup) => markup,
  createScript: (script) => (script.trim() ? refuse() : script),
});

function fragmentOf(markup: string): DocumentFragment {
  const template = document.createElement("template");
  template.innerHTML = policy ? policy.createHTML(markup) : markup;
  return template.content;
}

export const textOf = (markup: string): string => fragmentOf(markup).textContent;

/** The one element that a fragment of our own server is; alive to htmx a moment later, when it is in its place. */
export function elementOf(markup: string): HTMLElement {
  const element = fragmentOf(markup).firstElementChild as HTMLElement;
  queueMicrotask(() => htmx.process(element));
  localizeTimes(element);
  return element;
}
