// Passkeys: the browser is asked for one, and what it answers goes with the form that it was asked in.
//
// DOM: [data-passkey="get" or "create"][data-options or data-options-from], shown where html[data-passkeys=yes], in a form with
// [name=passkey] and, with data-options-from, [name=challenge]; [data-passkey-failed][data-held], two texts; [autocomplete~=webauthn].

import { root } from "./page.ts";
import { ask } from "./tokens.ts";

type Options = { challenge?: string; options: object };

/** How long a challenge may wait in the background for somebody to pick a passkey. */
const CONDITIONAL_MS = 8 * 60_000;

let waiting: AbortController | undefined;
/** Whether somebody has asked for one and was not answered yet: what is offered in the background waits for that. */
let isAsked = false;

/** What is asked for in the background ends where somebody asks for one. */
function begin(): AbortSignal {
  waiting?.abort();
  waiting = new AbortController();
  return waiting.signal;
}

async function optionsOf({ dataset }: HTMLElement): Promise<Options> {
  if (dataset["options"]) return { options: JSON.parse(dataset["options"]) as object };
  const url = dataset["optionsFrom"]!;
  // To sign in there is no token to be had first.
  const isSignIn = url.startsWith("/login/");
  const response = await (isSignIn ? fetch(url, { method: "POST" }) : ask(url, { method: "POST" }));
  // They would rather not say who they are, or signed in somewhere else.
  if (response.status === 401) throw new DOMException("", "AbortError");
  if (!response.ok) throw new Error(`passkey: ${response.status}`);
  return (await response.json()) as Options;
}

async function submitWith(button: HTMLElement, signal: AbortSignal, mediation?: "conditional") {
  const { challenge, options } = await optionsOf(button);
  const credential = (await (button.dataset["passkey"] === "create"
    ? navigator.credentials.create({
        publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(
          options as PublicKeyCredentialCreationOptionsJSON,
        ),
        signal,
      })
    : navigator.credentials.get({
        publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(
          options as PublicKeyCredentialRequestOptionsJSON,
        ),
        signal,
        ...(mediation && { mediation }),
      }))) as PublicKeyCredential;
  const form = button.closest("form")!;
  const put = (name: string, value: string) =>
    (form.querySelector<HTMLInputElement>(`[name=${name}]`)!.value = value);
  put("passkey", JSON.stringify(credential.toJSON()));
  if (challenge) put("challenge", challenge);
  // Nothing else is asked for then.
  form.noValidate = true;
  form.requestSubmit();
}

/** On a sign-in form the browser offers passkeys where the name is typed. */
export async function offerPasskey() {
  if (!isSupported()) return;
  const field = document.querySelector("main [autocomplete~=webauthn]");
  const button = document.querySelector<HTMLElement>("main [data-options-from][data-passkey=get]");
  if (!field || !button || !(await PublicKeyCredential.isConditionalMediationAvailable?.()) || isAsked)
    return;
  const signal = begin();
  const again = setTimeout(() => void offerPasskey(), CONDITIONAL_MS);
  signal.addEventListener("abort", () => clearTimeout(again));
  await submitWith(button, signal, "conditional").catch(() => undefined);
}

const isSupported = () => !!window.PublicKeyCredential?.parseRequestOptionsFromJSON;

function start(button: HTMLElement) {
  const failed = button.parentElement!.querySelector<HTMLElement>("[data-passkey-failed]")!;
  failed.hidden = true;
  isAsked = true;
  submitWith(button, begin())
    .catch((error: unknown) => {
      const name = error instanceof DOMException ? error.name : "";
      failed.textContent = failed.dataset[name === "InvalidStateError" ? "held" : "passkeyFailed"]!;
      failed.hidden = name === "AbortError";
    })
    .finally(() => (isAsked = false));
}

export function startPasskeys() {
  // The style shows the buttons then, or says that there is no use for them.
  root.dataset["passkeys"] = isSupported() ? "yes" : "no";
  document.addEventListener("click", ({ target }) => {
    const button = (target as Element).closest<HTMLElement>("[data-passkey]");
    if (button) start(button);
  });
  // Enter where nothing but a passkey is asked for.
  document.addEventListener(
    "submit",
    (event) => {
      const form = event.target as HTMLFormElement;
      const button = form.querySelector<HTMLElement>("[data-passkey]");
      const field = form.querySelector<HTMLInputElement>("[name=passkey]");
      if (!button || field!.value || form.querySelector("[type=submit]")) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      start(button);
    },
    true,
  );
  void offerPasskey();
}
