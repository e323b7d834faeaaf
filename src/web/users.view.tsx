import { Layout, type PageContext } from "./layout.view.tsx";
import { Field, FormError, inPlace, type FormState } from "./form.view.tsx";
import { NewPassword } from "./passwords.view.tsx";

type RegisterProps = {
  page: PageContext;
  form: FormState;
  next: string;
  passwordMin: number;
  invitation?: string | undefined;
  /** The link to a conversation which leads here. */
  invited?: { title: string; maker: string } | null;
};

export const RegisterPage = (props: RegisterProps) => {
  const { page, form, next, passwordMin, invitation, invited } = props;
  const { register } = page.t;
  const focused = ["username", "email", "password"].find((name) => form.errors[name]) ?? "username";
  return (
    <Layout page={page} title={register.title}>
      <section class="card">
        <h1>{register.title}</h1>
        {invitation && <p class="banner info">{page.t.admin.invited}</p>}
        {invited && (
          <p class="banner info" dir="auto">
            {page.t.invites.signInFirst(invited.maker, invited.title)}
          </p>
        )}
        <form {...inPlace("/register")}>
          <FormError message={form.general} />
          <Field
            name="username"
            label={register.username}
            hint={register.usernameHint}
            error={form.errors["username"]}
          >
            {({ id, name, invalid }) => (
              <input
                {...{ id, name, ...invalid }}
                value={form.values["username"]}
                autocomplete="username"
                autocapitalize="none"
                spellcheck="false"
                required
                autofocus={focused === "username"}
              />
            )}
          </Field>
          <Field name="email" label={register.email} note={register.optional} error={form.errors["email"]}>
            {({ id, name, invalid }) => (
              <input
                {...{ id, name, ...invalid }}
                type="email"
                value={form.values["email"]}
                autocomplete="email"
                autofocus={focused === "email"}
              />
            )}
          </Field>
          <NewPassword
            name="password"
            label={register.password}
            hint={register.passwordHint(passwordMin)}
            error={form.errors["password"]}
            ratedBy="/register/strength"
            autofocus={focused === "password"}
          />
          <input type="hidden" name="next" value={next} />
          {invitation && <input type="hidden" name="invitation" value={invitation} />}
          <button type="submit">{register.submit}</button>
        </form>
        <p class="muted">
          {register.haveAccount}
          {page.t.gap}
          <a href={`/login?${new URLSearchParams({ next })}`}>{page.t.signIn.title}</a>
        </p>
      </section>
    </Layout>
  );
};
