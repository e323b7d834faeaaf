// Passkeys: the browser is asked for one, and what it answers goes with the form that it was asked in.
//
// DOM: [data-passkey="get" or "create"][data-options or data-options-from], shown where html[data-passkeys], in a form with
// [name=passkey] and, with data-options-from, [name=challenge]; [data-passkey-failed]; [autocomplete~=webauthn].

import { root, viewer } from "./page.ts";
import { ask } from "./tokens.ts";

type Options = { challenge?: string; options: object };

/** How long a challenge may wait in the background for somebody to pick a passkey. */
const CONDITIONAL_MS = 8 * 60_000;

let waiting: AbortController | undefined;

/** What is asked for in the background ends where somebody asks for one. */
function begin(): AbortSignal {
  waiting?.abort();
  waiting = new AbortController();
  return waiting.signal;
}

async function optionsOf({ dataset }: HTMLElement): Promise<Options> {
  if (dataset["options"]) return { options: JSON.parse(dataset["options"]) as object };
  const url = dataset["optionsFrom"]!;
  const response = await (viewer ? ask(url, { method: "POST" }) : fetch(url, { method: "POST" }));
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
async function offer() {
  const field = document.querySelector("main [autocomplete~=webauthn]");
  const button = document.querySelector<HTMLElement>("main [data-options-from][data-passkey=get]");
  if (!field || !button || !(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
  const signal = begin();
  const again = setTimeout(() => void offer(), CONDITIONAL_MS);
  signal.addEventListener("abort", () => clearTimeout(again));
  await submitWith(button, signal, "conditional").catch(() => undefined);
}

export function startPasskeys() {
  if (!window.PublicKeyCredential?.parseRequestOptionsFromJSON) return;
  // The style shows the buttons then.
  root.dataset["passkeys"] = "";
  document.addEventListener("click", ({ target }) => {
    const button = (target as Element).closest<HTMLElement>("[data-passkey]");
    if (!button) return;
    const failed = button.parentElement!.querySelector<HTMLElement>("[data-passkey-failed]")!;
    failed.hidden = true;
    submitWith(button, begin()).catch((error: unknown) => {
      failed.hidden = error instanceof DOMException && error.name === "AbortError";
    });
  });
  void offer();
}
