import type { RemovedConversation } from "../core/chat/conversations.ts";
import type { Page } from "../core/page.ts";
import { LIMITS } from "../limits.ts";
import { describeDuration } from "../locales/index.ts";
import { once } from "./form.view.tsx";
import { Layout, Time, type PageContext } from "./layout.view.tsx";

/** What somebody has deleted, with the way back, until it is gone for good. */
export const DeletedPage = ({ page, removed }: { page: PageContext; removed: Page<RemovedConversation> }) => {
  const { conversations: t } = page.t;
  return (
    <Layout page={page} title={t.deleted} className="narrow">
      <h1>{t.deleted}</h1>
      <p class="muted">{t.deletedNote(describeDuration(page.language, LIMITS.conversationKeepMs / 1000))}</p>
      <section class="panel" aria-label={t.deleted}>
        {removed.items.length === 0 && <p class="muted">{t.noneDeleted}</p>}
        <ul class="rows">
          {removed.items.map(({ id, title, removed_at }) => (
            <li>
              <span class="row-main">
                <strong dir="auto">{title}</strong>
                <span class="muted small">
                  {t.deletedAt} <Time at={removed_at} />
                </span>
              </span>
              <form method="post" action={once(`/conversations/${id}/restore`)}>
                <button class="secondary" type="submit">
                  {t.restore}
                </button>
              </form>
            </li>
          ))}
        </ul>
        {removed.next && (
          <p>
            <a class="quiet" href={`/conversations/deleted?cursor=${encodeURIComponent(removed.next)}`}>
              {t.more}
            </a>
          </p>
        )}
      </section>
      <p>
        <a href="/conversations">{t.back}</a>
      </p>
    </Layout>
  );
};
