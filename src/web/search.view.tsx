import type { Message } from "../core/chat/messages.ts";
import type { Found } from "../core/chat/search.ts";
import type { Segment } from "../core/chat/terms.ts";
import { Time, type PageContext } from "./layout.view.tsx";

type FoundProps = {
  page: PageContext;
  found: Found;
  query: string;
  /** The message, or the conversation, that is open. */
  openId?: string | undefined;
};

/** What was found, with the words marked where they are. It stays beside what is opened from it. */
export const FoundItems = (props: FoundProps & { isOlder?: boolean }) => {
  const { page, found, query, isOlder = false } = props;
  const { search: t } = page.t;
  if (query.trim() === "") return <></>;
  const count = found.conversations.length + found.messages.length;
  return (
    <section class="found" aria-label={t.results}>
      <p class="muted small">{count === 0 ? t.nothing(query) : t.found(count, found.isCut || isOlder)}</p>
      <ul class="list">
        {found.conversations.map(({ conversation, title }) => (
          <li>
            <a
              href={`/conversations/${conversation.id}?${new URLSearchParams({ q: query })}`}
              aria-current={conversation.id === props.openId ? "true" : undefined}
            >
              <span class="list-title" dir="auto">
                <Marked segments={title} />
              </span>
            </a>
          </li>
        ))}
        <FoundMessages {...props} />
      </ul>
    </section>
  );
};

/** A page of messages, and the way to older ones. */
export const FoundMessages = ({ page, found, query, openId }: FoundProps) => {
  const older = found.next && `/search?${new URLSearchParams({ q: query, before: found.next })}`;
  return (
    <>
      {found.messages.map(({ message, title, excerpt }) => {
        const { id, conversation_id } = message;
        const at = new URLSearchParams({ at: id, q: query });
        return (
          <li>
            <a
              href={`/conversations/${conversation_id}?${at}#message-${id}`}
              aria-current={id === openId ? "true" : undefined}
            >
              <span class="muted small">
                {title} · {authorOf(page, message)} ·{" "}
                <span class="nowrap">
                  <Time at={message.created_at} />
                </span>
              </span>
              <span class="excerpt" dir="auto">
                <Marked segments={excerpt} />
              </span>
            </a>
          </li>
        );
      })}
      {older && (
        <li class="more">
          <a class="quiet" href={older} hx-get={older} hx-target="closest li" hx-swap="outerHTML">
            {page.t.search.older}
          </a>
        </li>
      )}
    </>
  );
};

const authorOf = (page: PageContext, { author_id, author_username }: Message) =>
  author_id !== null && author_id === page.viewer?.userId
    ? page.t.conversation.you
    : (author_username ?? page.t.conversation.goneAuthor);

const Marked = ({ segments }: { segments: Segment[] }) => (
  <>{segments.map(({ text, hit }) => (hit ? <mark>{text}</mark> : text))}</>
);
