// The requests that htmx makes: sent with a good token, shown as under way, and after them the focus where it was.
//
// DOM: html[data-busy] while something is under way; .more, .message, #members, #new-conversation are replaced whole.

import htmx from "htmx.org";
import { discardDrafts, restoreDrafts } from "./drafts.ts";
import { policy, refuse } from "./markup.ts";
import { byId, root, say, sayOffline, viewer } from "./page.ts";
import { localizeTimes } from "./times.ts";
import { offerPasskey } from "./passkeys.ts";
import { send, type Fetch } from "./tokens.ts";

/** What htmx 4 gives its extensions, as far as it is used here. */
type Context = {
  request: { action: string; headers: Record<string, string> };
  fetch?: Fetch;
  response?: { raw: Response };
  requestTimeout?: number;
};
type Api = { initSecurity(...policies: unknown[]): void };

/** Where the focus is to be after what has it now is replaced. */
let returnTo: Element | null = null;
/** What was typed into the password fields of a form that is under way: the server shows none again. */
const passwordsOf = new WeakMap<Context, HTMLInputElement[]>();

let underWay = 0;
const showBusy = () => root.toggleAttribute("data-busy", underWay > 0);

export const startRequests = () =>
  htmx.registerExtension("duet", {
    init(api: Api) {
      api.initSecurity(policy, refuse, refuse);
    },

    htmx_before_request(element: Element, { ctx }: { ctx: Context }) {
      const around = element.closest(".more, .message, #members, #new-conversation");
      returnTo = around?.contains(document.activeElement) ? around : null;
      // What more there is comes after the item before it; older messages before the first.
      if (returnTo?.matches(".more"))
        returnTo = returnTo.previousElementSibling ?? returnTo.closest(".scroll");
      if (element.matches("form"))
        passwordsOf.set(ctx, [...element.querySelectorAll<HTMLInputElement>("[type=password]")]);
      underWay++;
      showBusy();
      say("");
      const { pathname } = new URL(ctx.request.action, location.href);
      if (!viewer || pathname.startsWith("/login")) return;
      ctx.request.headers["Duet-Viewer"] = viewer;
      const inner: Fetch = ctx.fetch ?? fetch;
      ctx.fetch = (url, options) => send(url, options, inner, ctx.requestTimeout);
    },

    htmx_after_request(element: Element, { ctx }: { ctx: Context }) {
      if (element.matches("form") && ctx.response!.raw.ok) discardDrafts(element);
    },

    /** The network failed, not the session: say so, keep everything. */
    htmx_error(_element: Element, { error }: { error?: Error }) {
      if (error?.name !== "AbortError") sayOffline();
    },

    htmx_finally_request() {
      underWay--;
      showBusy();
    },

    htmx_after_swap(_element: Element, { ctx }: { ctx: Context }) {
      // One that was refused is typed again, and no other.
      const isRefused = ctx.response!.raw.status === 401;
      for (const { id, value } of passwordsOf.get(ctx) ?? []) {
        const field = isRefused ? null : byId<HTMLInputElement>(id);
        if (field && !field.matches("[aria-invalid]")) field.value ||= value;
      }
      localizeTimes();
      // One that was refused is not offered by itself again.
      if (!ctx.request.action.includes("/login/passkey")) void offerPasskey();
      restoreDrafts(document);
      const edited = document.querySelector<HTMLTextAreaElement>(".editing textarea:focus:not([data-begun])");
      edited?.setSelectionRange(edited.value.length, edited.value.length);
      edited?.setAttribute("data-begun", "");
      // Whoever changed a message goes on from there, and from the composer where there is nothing left to change.
      if (!returnTo || document.activeElement !== document.body) return;
      const controls = "[aria-invalid], textarea, .tool, :scope > a, input:not([type=hidden])";
      const place = returnTo.isConnected ? returnTo : byId(returnTo.id);
      // A link that is shown once is taken before anything else.
      const once = place?.querySelector(".invites [data-copy]");
      const control = place?.matches(".scroll")
        ? place
        : (once ?? place?.querySelector(controls) ?? byId("body"));
      (control as HTMLElement | null)?.focus();
      returnTo = null;
    },
  });
