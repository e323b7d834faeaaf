import type { Found } from "../core/chat/search.ts";
import type { Segment } from "../core/chat/terms.ts";
import { Time, type PageContext } from "./layout.view.tsx";

/** What was found, with the words marked where they are. */
export const FoundItems = ({ page, found, query }: { page: PageContext; found: Found; query: string }) => {
  const { search: t } = page.t;
  if (query.trim() === "") return <></>;
  const count = found.conversations.length + found.messages.length;
  return (
    <section class="found" aria-label={t.results}>
      <p class="muted small">{count === 0 ? t.nothing(query) : t.found(count, found.isCut)}</p>
      <ul class="list">
        {found.conversations.map(({ conversation, title }) => (
          <li>
            <a href={`/conversations/${conversation.id}`}>
              <span class="list-title" dir="auto">
                <Marked segments={title} />
              </span>
            </a>
          </li>
        ))}
        {found.messages.map(({ message, title, excerpt }) => (
          <li>
            <a href={`/conversations/${message.conversation_id}?at=${message.id}#message-${message.id}`}>
              <span class="muted small">
                {title} · {message.author_username ?? page.t.conversation.goneAuthor} ·{" "}
                <span class="nowrap">
                  <Time at={message.created_at} />
                </span>
              </span>
              <span class="excerpt" dir="auto">
                <Marked segments={excerpt} />
              </span>
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
};

const Marked = ({ segments }: { segments: Segment[] }) => (
  <>{segments.map(({ text, hit }) => (hit ? <mark>{text}</mark> : text))}</>
);
