import { createKept } from "./kept.view.tsx";
import type { Child, Markup } from "#html";
import type { Conversation } from "../core/chat/conversations.ts";
import type { Page } from "../core/page.ts";
import { Field, once, type FormState } from "./form.view.tsx";
import { Icon } from "./icons.view.tsx";
import { SignInDialog } from "./sessions.view.tsx";
import { Layout, Time, type PageContext } from "./layout.view.tsx";

type ListProps = { page: PageContext; list: Page<Conversation>; form: FormState; openId?: string };

type PageProps = ListProps & {
  title?: string;
  /** Just removed, and still to be had back. */
  removed?: Conversation | undefined;
  /** The one that was open has gone meanwhile. */
  isGone?: boolean;
  /** From where the event stream goes on. */
  place: string;
  found?: Child;
  query?: string | undefined;
  children?: Child;
};

/** The list, and beside it (on a wide screen) whatever is open. */
export const ConversationsPage = (props: PageProps) => {
  const { page, children, openId, place } = props;
  const { conversations } = page.t;
  return (
    <Layout
      page={page}
      title={props.title ?? conversations.title}
      className={children ? "split open" : "split"}
      dialog={<SignInDialog page={page} />}
      live={{ place, conversationId: openId }}
    >
      <section class="sidebar" aria-label={conversations.title}>
        {children ? <h2>{conversations.title}</h2> : <h1>{conversations.title}</h1>}
        <SearchForm page={page} query={props.query} />
        <div id="found" aria-live="polite">
          {props.found}
        </div>
        <NewConversation page={page} form={props.form} />
        {props.isGone && (
          <p class="banner info" role="status">
            {page.t.conversation.gone}
          </p>
        )}
        {props.removed && <Removed page={page} conversation={props.removed} />}
        <ConversationList {...props} />
      </section>
      {children ?? (
        <section class="thread empty">
          <p>{conversations.pick}</p>
        </section>
      )}
    </Layout>
  );
};

const SearchForm = ({ page, query }: { page: PageContext; query: string | undefined }) => (
  <search>
    <form
      method="get"
      action="/search"
      hx-get="/search"
      hx-target="#found"
      hx-trigger="submit, input delay:150ms"
      hx-sync="this:replace"
    >
      <label class="visually-hidden" for="q">
        {page.t.search.label}
      </label>
      <span class="with-icon">
        <Icon name="search" />
        <input
          id="q"
          name="q"
          type="search"
          value={query}
          placeholder={page.t.search.label}
          autocomplete="off"
          maxlength="200"
        />
      </span>
    </form>
  </search>
);

const Removed = ({ page, conversation }: { page: PageContext; conversation: Conversation }) => (
  <form
    class="banner info"
    method="post"
    action={once(`/conversations/${conversation.id}/restore`)}
    role="status"
  >
    <p>{page.t.conversations.removed(conversation.title)}</p>
    <button class="secondary" type="submit" autofocus>
      {page.t.conversations.undo}
    </button>
  </form>
);

export const NewConversation = ({ page, form }: { page: PageContext; form: FormState }) => (
  <form
    class="new"
    id="new-conversation"
    method="post"
    action={once("/conversations")}
    hx-post="/conversations"
    hx-target="this"
    hx-swap="outerHTML"
    hx-sync="this:drop"
  >
    <Field name="title" label={page.t.conversations.newTitle} error={form.errors["title"] ?? form.general}>
      {({ id, name, invalid }) => (
        <span class="joined">
          <input
            {...{ id, name, ...invalid }}
            value={form.values["title"]}
            placeholder={page.t.conversations.titleLabel}
            autocomplete="off"
            maxlength="200"
            required
          />
          <button type="submit">{page.t.conversations.create}</button>
        </span>
      )}
    </Field>
  </form>
);

const ConversationList = ({ page, list, openId }: ListProps) => {
  const { conversations } = page.t;
  return (
    <nav aria-label={conversations.title}>
      <ul class="list" id="conversations">
        <ConversationItems page={page} list={list} openId={openId} />
      </ul>
      {list.items.length === 0 && (
        <div class="nothing" id="no-conversations">
          <p>{conversations.empty}</p>
          <p class="muted">{conversations.emptyHint}</p>
        </div>
      )}
    </nav>
  );
};

export const ConversationItems = ({
  page,
  list,
  openId,
}: Pick<ListProps, "page" | "list"> & { openId?: string | undefined }) => {
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
  const { id, title, updated_at, unread } = conversation;
  const key = `${page.language} ${id} ${updated_at} ${unread} ${isOpen}`;
  return kept(key, title, () => <DrawnItem page={page} conversation={conversation} isOpen={isOpen} />);
};

const DrawnItem = ({ page, conversation, isOpen }: ItemProps) => (
  <li id={`conversation-${conversation.id}`} data-updated={conversation.updated_at}>
    <a href={`/conversations/${conversation.id}`} aria-current={isOpen ? "page" : undefined}>
      <span class="list-title" dir="auto" title={conversation.title}>
        {conversation.title}
      </span>
      <span class="muted small">
        <Time at={conversation.updated_at} />
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
