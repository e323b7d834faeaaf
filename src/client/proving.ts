// Proving once more who one is, over the page that asks for it: what was typed stays, and then the same request goes again.
//
// DOM: dialog#proof, empty, on pages whose acts may ask for it; its form answers with `duet:proved`.

import { elementOf } from "./markup.ts";
import { byId, viewer } from "./page.ts";

let asking: Promise<boolean> | null = null;

export const asksForProof = (response: Response) =>
  response.status === 401 && response.headers.get("duet-error") === "proof_required";

/** Whether they have; not where they would rather not, or where the page has no place for the question. */
export function prove(): Promise<boolean> {
  asking ??= askInDialog().finally(() => (asking = null));
  return asking;
}

async function askInDialog(): Promise<boolean> {
  const dialog = byId<HTMLDialogElement>("proof");
  if (!dialog) return false;
  const response = await fetch("/account/proof", {
    headers: { "HX-Request": "true", "Duet-Viewer": viewer! },
  });
  if (!response.ok) return false;
  dialog.replaceChildren(elementOf(await response.text()));
  dialog.showModal();
  return new Promise((resolve) => {
    const proved = () => {
      resolve(true);
      dialog.close();
    };
    document.addEventListener("duet:proved", proved, { once: true });
    dialog.addEventListener(
      "close",
      () => {
        document.removeEventListener("duet:proved", proved);
        dialog.replaceChildren();
        resolve(false);
      },
      { once: true },
    );
  });
}
