import type { EndReason } from "../errors.ts";
import { Layout, Time, type PageContext } from "./layout.view.tsx";
import { DialogForm, Field, FormError, emptyForm, inPlace, once, type FormState } from "./form.view.tsx";
import { PasskeyButton } from "./proving.view.tsx";

/** Why one has to sign in again: what happened, when, and on which device where one did it. */
export type ShownEnd = { reason: EndReason; at: number; where: string | null };

type SignInProps = {
  page: PageContext;
  form: FormState;
  next: string;
  end?: ShownEnd | undefined;
  done?: "reset" | "undone" | undefined;
  isClosed?: boolean;
  /** The link that invites which leads here. */
  invited?: { title: string; maker: string } | null;
};

export const SignInPage = ({ page, form, next, end, done, isClosed, invited }: SignInProps) => (
  <Layout page={page} title={page.t.signIn.title}>
    <section class="card">
      <h1>{page.t.signIn.title}</h1>
      {done && (
        <p class="banner info" role="status">
          {done === "reset" ? (
            page.t.reset.done
          ) : (
            <>
              {page.t.emails.undo.done}
              {page.t.gap}
              <a href="/forgot">{page.t.emails.byLetter}</a>
            </>
          )}
        </p>
      )}
      {invited && (
        <p class="banner info" dir="auto">
          {page.t.invites.signInFirst(invited.maker, invited.title)}
        </p>
      )}
      {next.startsWith("/account/email?") && <p class="banner info">{page.t.emails.signInFirst}</p>}
      {end && !done && (
        <p class={end.reason === "reuse_detected" ? "banner warning" : "banner info"} role="status">
          {page.t.reasons[end.reason]}
          {end.reason !== "logout" && (
            <span class="small">
              {" · "}
              <Time at={end.at} />
              {end.where && ` · ${end.where}`}
            </span>
          )}
        </p>
      )}
      <form {...inPlace("/login")}>
        <SignInFields page={page} form={form} />
        <input type="hidden" name="next" value={next} />
        <button type="submit">{page.t.signIn.submit}</button>
      </form>
      <form {...inPlace("/login/passkey")}>
        <input type="hidden" name="next" value={next} />
        <SignInByPasskey page={page} />
      </form>
      <p class="muted">
        {page.t.signIn.noAccount}
        {page.t.gap}
        {isClosed ? (
          page.t.admin.byInvitation
        ) : (
          <a href={`/register?${new URLSearchParams({ next })}`}>{page.t.signIn.register}</a>
        )}
        <br />
        <a href="/lab">{page.t.signIn.lab}</a>
      </p>
      <details class="muted">
        <summary>{page.t.signIn.forgotten}</summary>
        {page.hasMail && (
          <p>
            <a href="/forgot">{page.t.emails.byLetter}</a>
          </p>
        )}
        <p>{page.t.signIn.forgottenNote}</p>
      </details>
    </section>
  </Layout>
);

/** Over a page whose session has ended: the page and what was typed into it stay. */
export const SignInDialog = ({ page }: { page: PageContext }) => (
  <dialog id="sign-in-again" aria-labelledby="sign-in-again-title">
    <h2 id="sign-in-again-title">{page.t.signIn.again}</h2>
    <p class="banner info" data-reason="" hidden />
    <p>{page.t.signIn.kept}</p>
    <SignInDialogForm page={page} form={{ ...emptyForm, values: { identifier: page.viewer?.username } }} />
    <form
      method="post"
      action={once("/login/passkey")}
      hx-post="/login/passkey"
      hx-target="previous form"
      hx-swap="outerHTML"
    >
      <input type="hidden" name="dialog" value="yes" />
      <SignInByPasskey page={page} />
    </form>
  </dialog>
);

export const SignInDialogForm = ({ page, form }: Pick<SignInProps, "page" | "form">) => (
  <DialogForm url="/login" submit={page.t.signIn.submit} cancel={page.t.signIn.cancel}>
    <SignInFields page={page} form={form} />
  </DialogForm>
);

const SignInByPasskey = ({ page }: { page: PageContext }) => (
  <PasskeyButton page={page} label={page.t.factors.passkey.signIn} optionsFrom="/login/passkey/options" />
);

const SignInFields = ({ page, form }: { page: PageContext; form: FormState }) => (
  <>
    <FormError message={form.general} />
    <Field name="identifier" label={page.t.signIn.identifier} error={form.errors["identifier"]}>
      {({ id, name, invalid }) => (
        <input
          {...{ id, name, ...invalid }}
          value={form.values["identifier"]}
          autocomplete="username webauthn"
          autocapitalize="none"
          spellcheck="false"
          required
          autofocus={!form.values["identifier"]}
        />
      )}
    </Field>
    <Field name="password" label={page.t.signIn.password} error={form.errors["password"]}>
      {({ id, name, invalid }) => (
        <input
          {...{ id, name, ...invalid }}
          type="password"
          autocomplete="current-password"
          required
          autofocus={!!form.values["identifier"]}
        />
      )}
    </Field>
  </>
);
