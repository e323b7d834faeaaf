import { Elysia, t } from "elysia";
import { nameDevice } from "../core/auth/devices.ts";
import { isCode } from "../core/auth/throttle.ts";
import type { Changed } from "../core/auth/own-factors.ts";
import type { Viewer } from "../core/viewer.ts";
import { cookieViewer } from "../http/auth.ts";
import { formBodies } from "../http/body.ts";
import { offerBinding } from "./dbsc.ts";
import { CodesPage, SetupPage } from "./factors.view.tsx";
import { failedForm } from "./form.ts";
import { emptyForm } from "./form.view.tsx";
import { unsure } from "./sure.tsx";
import { goOn, pages, type Web } from "./page.ts";
import { parsePasskey } from "./second-step.tsx";

type Deps = Pick<
  Web,
  "ownFactors" | "bindings" | "sessions" | "cookies" | "showingOf" | "deviceOf" | "pageContext"
>;
type ResponseSettings = { headers: Record<string, unknown>; status?: number | string };

/** Adding and removing ways to sign in. Each goes on in a new session, since all others have ended. */
export function factorPages({ ownFactors, bindings, sessions, cookies, ...edge }: Deps) {
  const { showingOf, deviceOf, pageContext } = edge;

  function afterwards(
    request: Request,
    viewer: Viewer,
    set: ResponseSettings,
    { issued, recoveryCodes }: Changed,
    done: "added" | "removed",
  ) {
    cookies.setTokens(set, issued);
    offerBinding(bindings, set, issued);
    if (recoveryCodes.length === 0) return goOn(request, set, `/account?done=${done}`);
    return <CodesPage page={pageContext(request, viewer)} codes={recoveryCodes} />;
  }

  return new Elysia({ name: "web/factors", prefix: "/account" })
    .use(pages)
    .use(formBodies)
    .use(cookieViewer({ sessions, cookies, showingOf }))
    .post("/factors/totp", async ({ request, server, viewer }) => {
      const page = pageContext(request, viewer);
      const { items } = await ownFactors.list(viewer);
      const before = items.filter(({ kind }) => kind === "totp").length;
      const name = page.t.factors.kinds.totp + (before > 0 ? ` ${before + 1}` : "");
      const setup = await ownFactors.beginAuthenticator(viewer, { name }, deviceOf({ request, server }));
      return <SetupPage page={page} setup={setup} form={emptyForm} />;
    })
    .post(
      "/factors/totp/:id/confirm",
      async ({ request, server, viewer, params, body, set }) => {
        try {
          const device = deviceOf({ request, server });
          const changed = await ownFactors.confirmAuthenticator(viewer, params.id, body.code, device);
          return afterwards(request, viewer, set, changed, "added");
        } catch (error) {
          const page = pageContext(request, viewer);
          // The secret is shown again to who has come so far, and where only the code was wrong.
          if (!isCode("validation_failed")(error)) throw error;
          const form = failedForm(error, page.language, {}, set);
          return (
            <SetupPage page={page} setup={await ownFactors.authenticator(viewer, params.id)} form={form} />
          );
        }
      },
      { body: t.Object({ code: t.String() }) },
    )
    .post("/factors/:id/remove", async ({ request, server, viewer, params, body, set }) => {
      const page = pageContext(request, viewer);
      const { confirmRemove, remove } = page.t.factors;
      const { items } = await ownFactors.list(viewer);
      const name = items.find(({ id }) => id === params.id)?.name ?? "";
      const asked = unsure(request, body, page, confirmRemove(name), remove);
      if (asked) return asked;
      const changed = await ownFactors.remove(viewer, params.id, deviceOf({ request, server }));
      return afterwards(request, viewer, set, changed, "removed");
    })
    .post("/factors/recovery-codes", async ({ request, server, viewer }) => {
      const codes = await ownFactors.makeRecoveryCodes(viewer, deviceOf({ request, server }));
      return <CodesPage page={pageContext(request, viewer)} codes={codes} />;
    })
    .post("/passkeys/options", ({ request, server, viewer }) =>
      ownFactors.beginPasskey(viewer, deviceOf({ request, server })),
    )
    .post(
      "/passkeys",
      async ({ request, server, viewer, body, set }) => {
        const device = deviceOf({ request, server });
        const input = {
          challenge: body.challenge,
          passkey: parsePasskey(body.passkey),
          name: body.name?.trim() || (nameDevice(device.userAgent) ?? undefined),
        };
        const changed = await ownFactors.addPasskey(viewer, input, device);
        return afterwards(request, viewer, set, changed, "added");
      },
      { body: t.Object({ challenge: t.String(), passkey: t.String(), name: t.Optional(t.String()) }) },
    );
}
