import { Waiting } from "./emails.view.tsx";
import type { HeldFactors } from "./factors.view.tsx";
import { Field, FormError, inPlace, once, type FormState } from "./form.view.tsx";
import type { PageContext } from "./layout.view.tsx";
import { NewPassword, PresentPassword } from "./passwords.view.tsx";

export type AccountForms = {
  page: PageContext;
  email: string | null;
  /** One that waits to be confirmed. */
  pending: string | null;
  held: HeldFactors;
  profile: FormState;
  password: FormState;
  removal: FormState;
};

/** Name and address. */
export const Profile = ({ page, email, pending, profile }: AccountForms) => {
  const { account: t } = page.t;
  return (
    <section class="panel" aria-labelledby="profile">
      <h2 id="profile">{t.profile}</h2>
      <form {...inPlace("/account/profile")}>
        <FormError message={profile.general} />
        <Field name="username" label={t.username} error={profile.errors["username"]}>
          {({ id, name, invalid }) => (
            <input
              {...{ id, name, ...invalid }}
              value={profile.values["username"] ?? page.viewer?.username}
              autocomplete="username"
              autocapitalize="none"
              spellcheck="false"
              required
            />
          )}
        </Field>
        <Field name="email" label={t.email} note={page.t.register.optional} error={profile.errors["email"]}>
          {({ id, name, invalid }) => (
            <input
              {...{ id, name, ...invalid }}
              type="email"
              value={profile.values["email"] ?? email ?? ""}
              autocomplete="email"
            />
          )}
        </Field>
        <p class="actions">
          <button type="submit">{t.save}</button>
        </p>
      </form>
      {page.hasMail && pending !== null && <Waiting page={page} pending={pending} email={email} />}
    </section>
  );
};

/** Another password; who has a second factor is asked for that instead of the present one. */
export const Password = ({ page, password, held }: AccountForms) => {
  const { account: t } = page.t;
  return (
    <section class="panel" aria-labelledby="change-password">
      <h2 id="change-password">{t.password}</h2>
      <p class="muted">{t.passwordNote}</p>
      <form {...inPlace("/account/password")}>
        <FormError message={password.general} />
        <input type="hidden" name="username" autocomplete="username" value={page.viewer?.username} />
        {held.items.length === 0 && (
          <Field
            name="current_password"
            label={t.currentPassword}
            error={password.errors["current_password"]}
          >
            {({ id, name, invalid }) => (
              <input {...{ id, name, ...invalid }} type="password" autocomplete="current-password" required />
            )}
          </Field>
        )}
        <NewPassword
          name="new_password"
          label={t.newPassword}
          error={password.errors["new_password"]}
          ratedBy="/account/strength"
        />
        <p class="actions">
          <button type="submit">{t.changePassword}</button>
        </p>
      </form>
    </section>
  );
};

/** What cannot be undone, apart from the rest. */
export const Removal = ({ page, removal, held }: AccountForms) => {
  const { account: t } = page.t;
  return (
    <section class="panel apart" aria-labelledby="removal">
      <h2 id="removal">{t.remove}</h2>
      <p class="muted">{t.removeNote}</p>
      <form method="post" action={once("/account/delete")} data-confirm={t.confirmRemove} data-sign-out="">
        <FormError message={removal.general} />
        {held.items.length === 0 && (
          <PresentPassword id="password-again" label={t.currentPassword} error={removal.errors["password"]} />
        )}
        <p class="actions">
          <button class="secondary danger" type="submit">
            {t.removeSubmit}
          </button>
        </p>
      </form>
    </section>
  );
};
