import { Field, FormError, inPlace, once, type FormState } from "./form.view.tsx";
import { Layout, type PageContext } from "./layout.view.tsx";

type ForgotProps = { page: PageContext; form: FormState; isSent: boolean };

export const ForgotPage = ({ page, form, isSent }: ForgotProps) => {
  const { forgot: t } = page.t.emails;
  return (
    <Layout page={page} title={t.title}>
      <section class="card">
        <h1>{t.title}</h1>
        {isSent ? (
          <p class="banner info" role="status">
            {t.sent}
          </p>
        ) : (
          <>
            <p>{t.lead}</p>
            <form {...inPlace("/forgot")}>
              <FormError message={form.general} />
              <Field name="identifier" label={page.t.signIn.identifier} error={form.errors["identifier"]}>
                {({ id, name, invalid }) => (
                  <input
                    {...{ id, name, ...invalid }}
                    value={form.values["identifier"]}
                    autocomplete="username"
                    autocapitalize="none"
                    spellcheck="false"
                    required
                    autofocus
                  />
                )}
              </Field>
              <button type="submit">{t.submit}</button>
            </form>
          </>
        )}
        <p class="muted">
          <a href="/login">{page.t.signIn.title}</a>
        </p>
      </section>
    </Layout>
  );
};

type LinkProps = { page: PageContext; token: string; email: string };

export const ConfirmEmailPage = (link: LinkProps) => (
  <LinkPage {...link} words={link.page.t.emails.confirm} url="/account/email" />
);

export const UndoEmailPage = (link: LinkProps) => (
  <LinkPage {...link} words={link.page.t.emails.undo} url="/email/undo" />
);

type LinkPageProps = LinkProps & {
  words: { title: string; lead: (email: string) => string; submit: string };
  url: string;
};

/** Opening a link changes nothing; mail programs do that by themselves. */
const LinkPage = ({ page, token, email, words, url }: LinkPageProps) => (
  <Layout page={page} title={words.title}>
    <section class="card">
      <h1>{words.title}</h1>
      <p>{words.lead(email)}</p>
      <form method="post" action={once(url)}>
        <input type="hidden" name="token" value={token} />
        <button type="submit">{words.submit}</button>
      </form>
    </section>
  </Layout>
);

type WaitingProps = { page: PageContext; pending: string; email: string | null };

/** On the account page: an address that waits. */
export const Waiting = ({ page, pending, email }: WaitingProps) => (
  <>
    <p class="banner info">{page.t.emails.waiting(pending)}</p>
    <div class="actions">
      <form method="post" action={once("/account/email/send")}>
        <button class="secondary" type="submit">
          {page.t.emails.sendAgain}
        </button>
      </form>
      <form method="post" action={once("/account/profile")}>
        <input type="hidden" name="username" value={page.viewer!.username} />
        <input type="hidden" name="email" value={email ?? ""} />
        <button class="secondary" type="submit">
          {page.t.emails.giveUp}
        </button>
      </form>
    </div>
  </>
);
