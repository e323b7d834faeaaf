import { Elysia, t } from "elysia";
import type { Device } from "../core/auth/devices.ts";
import type { Viewer } from "../core/viewer.ts";
import { cookieViewer } from "../http/auth.ts";
import { formBodies } from "../http/body.ts";
import { failedForm } from "./form.ts";
import { emptyForm, once } from "./form.view.tsx";
import { safeNext } from "./next.ts";
import { goOn, isHtmx, pages, type Web } from "./page.ts";
import { HeldPage, ProofForm, ProofPage, type Held } from "./proof.view.tsx";
import { answerIn } from "./second-step.tsx";

type Deps = Pick<
  Web,
  "stepUp" | "guesses" | "sessions" | "cookies" | "showingOf" | "deviceOf" | "pageContext"
>;

/** Proving once more who one is: in a dialog over the page that asks for it, or on a page of its own. */
export function proofPages({ stepUp, guesses, sessions, cookies, showingOf, deviceOf, pageContext }: Deps) {
  /** The same challenge, or after five tries another one. */
  const askAgain = (viewer: Viewer, device: Device, token: string) =>
    guesses.askAgain(token, "step_up", viewer.sessionId).catch(() => stepUp.begin(viewer, device));

  return new Elysia({ name: "web/proof" })
    .use(pages)
    .use(formBodies)
    .use(cookieViewer({ sessions, cookies, showingOf }))
    .get(
      "/account/proof",
      async ({ request, server, viewer, query }) => {
        const page = pageContext(request, viewer);
        const asked = await stepUp.begin(viewer, deviceOf({ request, server }));
        if (isHtmx(request)) return <ProofForm page={page} asked={asked} form={emptyForm} />;
        const next = safeNext(query.next, "/account");
        return <ProofPage {...{ page, asked, next }} form={emptyForm} held={null} />;
      },
      { query: t.Object({ next: t.Optional(t.String()) }) },
    )
    .post(
      "/account/proof",
      async ({ request, server, viewer, body, set }) => {
        const next = safeNext(body.next, "/account");
        const held = readHeld(body.held);
        const page = pageContext(request, viewer);
        try {
          const showing = showingOf({ request, server }, "cookie");
          const elevated = await stepUp.finish(body.challenge, answerIn(body), { viewer, showing });
          cookies.setAccess(set, elevated, viewer);
          if (body.dialog) {
            set.headers["hx-trigger"] = "duet:proved";
            set.status = 204;
            return;
          }
          return held ? <HeldPage {...{ page, held, next }} /> : goOn(request, set, next);
        } catch (error) {
          const form = failedForm(error, page.language, {}, set);
          const asked = await askAgain(viewer, deviceOf({ request, server }), body.challenge);
          if (body.dialog && isHtmx(request)) return <ProofForm {...{ page, asked, form }} />;
          return <ProofPage {...{ page, asked, form, next, held }} />;
        }
      },
      {
        body: t.Object({
          challenge: t.String(),
          code: t.Optional(t.String()),
          passkey: t.Optional(t.String()),
          password: t.Optional(t.String()),
          next: t.Optional(t.String()),
          held: t.Optional(t.String()),
          dialog: t.Optional(t.String()),
        }),
      },
    );
}

/** What a form of ours sent, to be sent once more. One with passwords, which no page may show, is filled in again. */
export function hold(action: string, body: unknown): Held | null {
  const fields = Object.entries((body ?? {}) as Record<string, unknown>);
  if (fields.some(([name, value]) => name.includes("password") || typeof value !== "string")) return null;
  return { action: once(action), fields: Object.fromEntries(fields) as Held["fields"] };
}

/** What came back of it; only to pages of ours. */
function readHeld(text: string | undefined): Held | null {
  try {
    const { action, fields } = JSON.parse(text ?? "null") as Held;
    const isText = Object.values(fields).every((value) => typeof value === "string");
    return isText && safeNext(action, "") === action && action !== "" ? { action, fields } : null;
  } catch {
    return null;
  }
}
