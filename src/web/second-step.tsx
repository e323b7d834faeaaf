import { Elysia, t } from "elysia";
import { readTyped } from "../core/auth/codes.ts";
import type { Answer } from "../core/auth/factors.ts";
import { DuetError } from "../errors.ts";
import { formBodies } from "../http/body.ts";
import { failedForm } from "./form.ts";
import { safeNext } from "./next.ts";
import { isHtmx, pages, type Web } from "./page.ts";
import { SecondStepForm, SecondStepPage } from "./second-step.view.tsx";
import { SignInDialogForm, SignInPage } from "./sessions.view.tsx";
import type { Welcome } from "./welcome.ts";

type Deps = Pick<Web, "signIns" | "guesses" | "settings" | "deviceOf" | "pageContext"> & { welcome: Welcome };

const START = { kind: "browser" as const, key: null };

/** The second step of a sign-in, and the one that a passkey is by itself. */
export const secondStepPages = ({ signIns, guesses, settings, deviceOf, pageContext, welcome }: Deps) =>
  new Elysia({ name: "web/second-step" })
    .use(pages)
    .use(formBodies)
    .post(
      "/login/challenge",
      async ({ request, server, body, set }) => {
        const device = deviceOf({ request, server });
        try {
          const signedIn = await signIns.finish(body.challenge, answerIn(body), START, device);
          return welcome(request, set, signedIn, body);
        } catch (error) {
          const page = pageContext(request, null);
          const asked = await guesses.askAgain(body.challenge, "sign_in").catch(() => null);
          // After the last try there is nothing more to try.
          const isOver = !asked && error instanceof DuetError && error.status === 401;
          const told = isOver ? new DuetError("challenge_ended") : error;
          const form = failedForm(told, page.language, {}, set);
          const next = safeNext(body.next);
          const isDialog = body.dialog && isHtmx(request);
          if (isDialog && asked) return <SecondStepForm {...{ page, asked, form }} />;
          if (isDialog) return <SignInDialogForm page={page} form={form} />;
          if (asked) return <SecondStepPage {...{ page, asked, form, next }} />;
          return <SignInPage {...{ page, form, next }} isClosed={settings.registration === "closed"} />;
        }
      },
      {
        body: t.Object({
          challenge: t.String(),
          code: t.Optional(t.String()),
          passkey: t.Optional(t.String()),
          next: t.Optional(t.String()),
          dialog: t.Optional(t.String()),
        }),
      },
    )
    .post("/login/passkey/options", ({ request, server }) =>
      signIns.passkeyOptions(START, deviceOf({ request, server })),
    )
    .post(
      "/login/passkey",
      async ({ request, server, body, set }) => {
        try {
          const passkey = parsePasskey(body.passkey);
          const device = deviceOf({ request, server });
          const signedIn = await signIns.byPasskey(body.challenge, passkey, START, device);
          return welcome(request, set, signedIn, body);
        } catch (error) {
          const page = pageContext(request, null);
          const form = failedForm(error, page.language, {}, set);
          if (body.dialog && isHtmx(request)) return <SignInDialogForm page={page} form={form} />;
          const isClosed = settings.registration === "closed";
          return <SignInPage {...{ page, form, isClosed }} next={safeNext(body.next)} />;
        }
      },
      {
        body: t.Object({
          challenge: t.String(),
          passkey: t.String(),
          next: t.Optional(t.String()),
          dialog: t.Optional(t.String()),
        }),
      },
    );

/** What a form answers a challenge with: the passkey where the script has put one in, else what was typed. */
export function answerIn(body: {
  code?: string | undefined;
  passkey?: string | undefined;
  password?: string | undefined;
}): Answer & { password?: string | undefined } {
  if (body.passkey) return { passkey: parsePasskey(body.passkey) };
  if (body.password !== undefined) return { password: body.password };
  return readTyped(body.code ?? "");
}

/** As JSON; what is none is no passkey. */
export function parsePasskey(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
