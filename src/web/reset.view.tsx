import { FormError, inPlace, type FormState } from "./form.view.tsx";
import { Layout, type PageContext } from "./layout.view.tsx";
import { NewPassword } from "./passwords.view.tsx";

type ResetProps = {
  page: PageContext;
  username: string;
  withoutFactors: boolean;
  token: string;
  /** Whether a change of address was taken back just now. */
  isUndone?: boolean;
  form: FormState;
  passwordMin: number;
};

export const ResetPage = ({
  page,
  username,
  withoutFactors,
  token,
  isUndone,
  form,
  passwordMin,
}: ResetProps) => {
  const { reset: t, register } = page.t;
  return (
    <Layout page={page} title={t.title}>
      <section class="card">
        <h1>{t.title}</h1>
        {isUndone && <p class="banner info">{page.t.emails.undo.done}</p>}
        <p>{t.lead(username)}</p>
        {withoutFactors && <p>{t.withoutFactors}</p>}
        <form {...inPlace("/reset")}>
          <FormError message={form.general} />
          <input type="hidden" name="token" value={token} />
          {/* For password managers. */}
          <input type="hidden" name="username" autocomplete="username" value={username} />
          <NewPassword
            name="new_password"
            label={page.t.account.newPassword}
            hint={register.passwordHint(passwordMin)}
            error={form.errors["new_password"]}
            ratedBy="/reset/strength"
            autofocus
          />
          <button type="submit">{page.t.account.changePassword}</button>
        </form>
      </section>
    </Layout>
  );
};
