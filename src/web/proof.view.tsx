import type { Asked } from "../errors.ts";
import { DialogForm, inPlace, type FormState } from "./form.view.tsx";
import { Layout, type PageContext } from "./layout.view.tsx";
import { Proving } from "./proving.view.tsx";

/** What somebody was doing when they were asked who they are: a form of ours with all that was typed but passwords. */
export type Held = { action: string; fields: Record<string, string> };

type ProofProps = { page: PageContext; asked: Asked; form: FormState; next: string; held: Held | null };

export const ProofPage = ({ page, asked, form, next, held }: ProofProps) => {
  const { proof: t } = page.t.factors;
  return (
    <Layout page={page} title={t.title}>
      <section class="card">
        <h1>{t.title}</h1>
        <p>{t.lead}</p>
        <form {...inPlace("/account/proof")}>
          <Proving page={page} asked={asked} form={form} />
          <input type="hidden" name="next" value={next} />
          {held && <input type="hidden" name="held" value={JSON.stringify(held)} />}
          <p class="actions">
            <button type="submit">{t.submit}</button>
            <a class="button secondary" href={next}>
              {t.cancel}
            </a>
          </p>
        </form>
      </section>
    </Layout>
  );
};

/** The same over the page that asks for it, where it is not left. */
export const ProofForm = ({ page, asked, form }: Pick<ProofProps, "page" | "asked" | "form">) => {
  const { proof: t } = page.t.factors;
  return (
    <DialogForm url="/account/proof" submit={t.submit} cancel={t.cancel}>
      <h2 id="proof-title">{t.title}</h2>
      <p>{t.lead}</p>
      <Proving page={page} asked={asked} form={form} />
    </DialogForm>
  );
};

/** Where that is put (client/proving.ts). */
export const ProofDialog = () => <dialog id="proof" aria-labelledby="proof-title" />;

/** Without script: what was held goes on from here, by one more press. */
export const HeldPage = ({ page, held, next }: Pick<ProofProps, "page" | "next"> & { held: Held }) => {
  const { proof: t } = page.t.factors;
  return (
    <Layout page={page} title={t.confirmed}>
      <section class="card">
        <h1>{t.confirmed}</h1>
        <p>{t.goOn}</p>
        <form method="post" action={held.action}>
          {Object.entries(held.fields).map(([name, value]) => (
            <input type="hidden" name={name} value={value} />
          ))}
          <p class="actions">
            <button type="submit" autofocus>
              {t.submit}
            </button>
            <a class="button secondary" href={next}>
              {t.cancel}
            </a>
          </p>
        </form>
      </section>
    </Layout>
  );
};
