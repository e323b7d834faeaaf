import type { Markup } from "#html";
import type { Conversation } from "../core/chat/conversations.ts";
import type { Page } from "../core/page.ts";
import { createKept } from "./kept.view.tsx";
import { Time, type PageContext } from "./layout.view.tsx";

/** A page of the list, and the way to the next. */
export const ConversationItems = ({
  page,
  list,
  openId,
}: {
  page: PageContext;
  list: Page<Conversation>;
  openId?: string | undefined;
}) => {
  const more = list.next && `/conversations?cursor=${encodeURIComponent(list.next)}`;
  return (
    <>
      {list.items.map((conversation) => (
        <ConversationItem page={page} conversation={conversation} isOpen={conversation.id === openId} />
      ))}
      {more && (
        <li class="more">
          <a class="quiet" href={more} hx-get={more} hx-target="closest li" hx-swap="outerHTML">
            {page.t.conversations.more}
          </a>
        </li>
      )}
    </>
  );
};

type ItemProps = { page: PageContext; conversation: Conversation; isOpen?: boolean };

const kept = createKept();

/** The same fragment on the first paint and in the event stream. */
export const ConversationItem = ({ page, conversation, isOpen = false }: ItemProps): Markup => {
  const { id, title, updated_at, unread, last_id, last_body, last_removed_at, last_username } = conversation;
  const isOwn = conversation.last_author_id === page.viewer?.userId;
  const last = `${last_id} ${last_removed_at} ${last_username} ${isOwn}`;
  // What was today's has a date tomorrow.
  const today = new Date().toISOString().slice(0, 10);
  const key = `${page.language} ${today} ${id} ${updated_at} ${unread} ${isOpen} ${last}`;
  return kept(key, `${title}\n${last_body}`, () => (
    <DrawnItem page={page} conversation={conversation} isOpen={isOpen} />
  ));
};

const DrawnItem = ({ page, conversation, isOpen }: ItemProps) => (
  <li id={`conversation-${conversation.id}`} data-updated={conversation.updated_at}>
    <a href={`/conversations/${conversation.id}`} aria-current={isOpen ? "page" : undefined}>
      <span class="list-title" dir="auto" title={conversation.title}>
        {conversation.title}
      </span>
      <span class="muted small nowrap">
        <Time at={conversation.updated_at} isShort />
      </span>
      <span class="preview" dir="auto">
        {previewOf(page, conversation)}
      </span>
      {conversation.unread > 0 && !isOpen && (
        <span class="unread" data-n={String(conversation.unread)}>
          <span aria-hidden="true">{conversation.unread < 100 ? conversation.unread : "99+"}</span>
          <span class="visually-hidden">{page.t.conversations.unread(conversation.unread)}</span>
        </span>
      )}
    </a>
  </li>
);

/** Who said what last, in one line. */
function previewOf(page: PageContext, conversation: Conversation): string {
  const { you, goneAuthor, takenBack, empty } = page.t.conversation;
  const { last_id, last_body, last_removed_at, last_author_id, last_username } = conversation;
  if (last_id === null) return empty;
  const author = last_author_id === page.viewer?.userId ? you : (last_username ?? goneAuthor);
  return author + page.t.colon + (last_removed_at === null ? last_body!.replaceAll(/\s+/g, " ") : takenBack);
}
