import type { Child } from "#html";
import type { Conversation } from "../core/chat/conversations.ts";
import type { Page } from "../core/page.ts";
import { ConversationItems } from "./conversation-items.view.tsx";
import { Field, once, type FormState } from "./form.view.tsx";
import { Icon } from "./icons.view.tsx";
import { SignInDialog } from "./sessions.view.tsx";
import { Layout, type PageContext } from "./layout.view.tsx";

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
  const { page, children, openId, place, list, found } = props;
  const { conversations } = page.t;
  // Nothing to choose from, and nothing to come back to: one thing to do.
  const isFirst = !children && !found && list.items.length === 0;
  return (
    <Layout
      page={page}
      title={props.title ?? conversations.title}
      className={children ? "split open" : isFirst ? "split first" : "split"}
      dialog={<SignInDialog page={page} />}
      live={{ place, conversationId: openId }}
    >
      <section class="sidebar" aria-label={conversations.title}>
        <div class="sidebar-head">
          {children ? <h2>{conversations.title}</h2> : <h1>{conversations.title}</h1>}
          {isFirst ? (
            <FirstConversation page={page} form={props.form} />
          ) : (
            <>
              <NewConversationMenu page={page} form={props.form} />
              <SearchForm page={page} query={props.query} />
            </>
          )}
        </div>
        <div class="sidebar-body">
          <div id="found" aria-live="polite">
            {props.found}
          </div>
          {props.isGone && (
            <p class="banner info" role="status">
              {page.t.conversation.gone}
            </p>
          )}
          {props.removed && <Removed page={page} conversation={props.removed} />}
          <ConversationList {...props} />
        </div>
      </section>
      {children ??
        (!isFirst && (
          <section class="thread empty">
            <p>{conversations.pick}</p>
          </section>
        ))}
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

/** One button, which opens the field. */
const NewConversationMenu = ({ page, form }: { page: PageContext; form: FormState }) => (
  <details class="new-menu" open={form.general !== undefined || form.errors["title"] !== undefined}>
    <summary
      class="button secondary"
      aria-label={page.t.conversations.newTitle}
      title={page.t.conversations.newTitle}
    >
      <Icon name="add" />
    </summary>
    <NewConversation page={page} form={form} />
  </details>
);

/** For whoever is in none yet. */
const FirstConversation = ({ page, form }: { page: PageContext; form: FormState }) => (
  <div id="no-conversations">
    <p class="muted">{page.t.conversations.first(page.viewer?.username ?? "")}</p>
    <NewConversation page={page} form={form} />
  </div>
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
      <p class="more">
        <a class="quiet" href="/conversations/deleted">
          {conversations.deleted}
        </a>
      </p>
    </nav>
  );
};
