import { Layout, type PageContext } from "./layout.view.tsx";

type NoticeProps = { page: PageContext; detail: string; requestId: string | null };
type ErrorProps = { status: number; title: string; detail: string; requestId: string | null };

export const ErrorPage = ({ page, status, title, detail, requestId }: ErrorProps & { page: PageContext }) => (
  <Layout page={page} title={title}>
    <section class="card center">
      <p class="status" aria-hidden="true">
        {status}
      </p>
      <h1>{title}</h1>
      <p>{detail}</p>
      {requestId && (
        <p class="muted small">
          {page.t.problem.requestId} <code>{requestId}</code>
        </p>
      )}
      {status === 410 && page.hasMail && (
        <p>
          <a href="/forgot">{page.t.emails.byLetter}</a>
        </p>
      )}
      <p>
        <a class="button" href="/">
          {page.t.problem.back}
        </a>
      </p>
    </section>
  </Layout>
);

/** For the corner of a page that stays. */
export const ErrorNotice = ({ page, detail, requestId }: NoticeProps) => (
  <p>
    {detail}
    {requestId && (
      <span class="small">
        {" · "}
        {page.t.problem.requestId} {requestId}
      </span>
    )}
  </p>
);
