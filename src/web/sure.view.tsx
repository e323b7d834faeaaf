import { once } from "./form.view.tsx";
import { Layout, type PageContext } from "./layout.view.tsx";

type SureProps = { page: PageContext; question: string; yes: string; action: string; back: string };

/** A question before what cannot be undone; the answer that changes nothing first. */
export const SurePage = ({ page, question, yes, action, back }: SureProps) => (
  <Layout page={page} title={yes} isOnce>
    <section class="card">
      <h1>{yes}</h1>
      <p>{question}</p>
      <form method="post" action={once(action)}>
        <input type="hidden" name="sure" value="yes" />
        <p class="actions">
          <a class="button secondary" href={back}>
            {page.t.conversation.cancel}
          </a>
          <button class="danger" type="submit">
            {yes}
          </button>
        </p>
      </form>
    </section>
  </Layout>
);
