import type { Asked } from "../errors.ts";
import { DialogForm, inPlace, type FormState } from "./form.view.tsx";
import { Layout, type PageContext } from "./layout.view.tsx";
import { Proving } from "./proving.view.tsx";

type SecondStepProps = { page: PageContext; asked: Asked; form: FormState; next: string };

/** After a right password: the second factor. */
export const SecondStepPage = ({ page, asked, form, next }: SecondStepProps) => {
  const { second: t } = page.t.factors;
  return (
    <Layout page={page} title={t.title} isOnce>
      <section class="card">
        <h1>{t.title}</h1>
        <p>{leadOf(page, asked)}</p>
        <form {...inPlace("/login/challenge")}>
          <Proving page={page} asked={asked} form={form} />
          <input type="hidden" name="next" value={next} />
          <button type="submit">{t.submit}</button>
        </form>
        <p class="muted">
          <a href={`/login?${new URLSearchParams({ next })}`}>{t.again}</a>
        </p>
        <details class="muted">
          <summary>{t.lost}</summary>
          <p>{t.lostNote}</p>
        </details>
      </section>
    </Layout>
  );
};

/** The same in the dialog over a page whose session has ended. */
export const SecondStepForm = ({ page, asked, form }: Omit<SecondStepProps, "next">) => {
  const { second: t } = page.t.factors;
  return (
    <DialogForm url="/login/challenge" submit={t.submit} cancel={page.t.signIn.cancel}>
      <p>{leadOf(page, asked)}</p>
      <Proving page={page} asked={asked} form={form} />
    </DialogForm>
  );
};

const leadOf = (page: PageContext, { factors }: Asked) =>
  factors.includes("totp") ? page.t.factors.second.lead : page.t.factors.second.leadWithPasskey;
