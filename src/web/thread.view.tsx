import type { Child } from "#html";
import type { Thread as ThreadData } from "../core/chat/thread.ts";
import { LIMITS } from "../limits.ts";
import { describeField } from "../locales/index.ts";
import { ConversationsPage } from "./conversations.view.tsx";
import { emptyForm, type FormState } from "./form.view.tsx";
import { Icon } from "./icons.view.tsx";
import type { PageContext } from "./layout.view.tsx";
import { ConversationMenu, Members, type Invited } from "./members.view.tsx";
import { PendingMessage } from "./messages.view.tsx";
import { ThreadItems } from "./thread-items.view.tsx";

/** The forms on the page of a conversation, as far as one of them is shown again. */
export type ThreadForms = { composer?: FormState; invited?: Invited; title?: FormState };

type ThreadProps = {
  page: PageContext;
  thread: ThreadData;
  forms?: ThreadForms;
  /** What was looked for, and found. */
  query?: string | undefined;
  found?: Child;
};

/** The page of one conversation, beside the list of all. */
export const ThreadPage = (props: ThreadProps) => {
  const { conversation, list, place } = props.thread;
  const { page, query, found } = props;
  const beside = { page, list, place, form: emptyForm, query, found };
  return (
    <ConversationsPage {...beside} openId={conversation.id} title={conversation.title}>
      <Thread {...props} />
    </ConversationsPage>
  );
};

const Thread = ({ page, thread, forms = {}, query }: ThreadProps) => {
  const { conversation, members, messages } = thread;
  const { conversation: t } = page.t;
  const last = messages.items.at(-1);
  const { invited, title = emptyForm, composer = emptyForm } = forms;
  return (
    <section class="thread" aria-labelledby="thread-title">
      <header class="thread-head">
        <a
          class="back"
          href={query ? `/search?${new URLSearchParams({ q: query })}` : "/conversations"}
          aria-label={page.t.conversations.back}
        >
          <Icon name="back" />
        </a>
        <h1 id="thread-title" dir="auto" title={conversation.title}>
          {conversation.title}
        </h1>
        <Members
          page={page}
          conversation={conversation}
          members={members}
          invites={thread.invites}
          {...invited}
        />
        <ConversationMenu page={page} conversation={conversation} form={title} />
      </header>
      <div class="scroll" tabindex="0" role="log" aria-label={t.messages}>
        <ol class="messages" id="messages" data-days="">
          <ThreadItems
            page={page}
            conversation={conversation}
            messages={messages}
            notes={thread.notes}
            readId={conversation.unread > 0 && conversation.read_id !== "" ? conversation.read_id : undefined}
          />
        </ol>
        {messages.items.length === 0 && (
          <div class="nothing" id="no-messages">
            <p>{t.empty}</p>
            <p class="muted">{t.emptyHint}</p>
          </div>
        )}
      </div>
      {thread.isOlder && (
        <p class="latest">
          {last && (
            <a href={`/conversations/${conversation.id}?at=${last.id}#message-${last.id}`}>{t.later}</a>
          )}
          <a href={`/conversations/${conversation.id}?at=latest`}>
            {conversation.unread > 0 ? t.below(conversation.unread) : t.latest}
          </a>
        </p>
      )}
      {conversation.unread > 0 && !thread.isOlder && (
        <noscript>
          <form class="latest" method="post" action={`/conversations/${conversation.id}/read`}>
            <a class="quiet" href="#new-line">
              {t.below(conversation.unread)}
            </a>
            <button class="quiet" type="submit">
              {t.markRead}
            </button>
          </form>
        </noscript>
      )}
      <button id="newer" type="button" data-newer={t.newer} hidden>
        {t.below(conversation.unread)}
      </button>
      <template id="pending-message">
        <PendingMessage page={page} />
      </template>
      <Composer page={page} url={`/conversations/${conversation.id}`} form={composer} />
    </section>
  );
};

const Composer = ({ page, url, form }: { page: PageContext; url: string; form: FormState }) => {
  const { conversation: t } = page.t;
  return (
    <form
      class="composer"
      id="composer"
      method="post"
      action={url}
      autocomplete="off"
      data-sending={t.sending}
      data-failed={t.failed}
      data-gone={t.goneWithText}
      data-max={String(LIMITS.messageCharsMax)}
      data-too-long={describeField(page.language, {
        field: "body",
        code: "too_long",
        limit: LIMITS.messageCharsMax,
      })}
    >
      <input type="hidden" name="idempotency_key" value={crypto.randomUUID()} />
      <label class="visually-hidden" for="body">
        {t.compose}
      </label>
      <textarea
        id="body"
        name="body"
        rows="1"
        placeholder={t.placeholder}
        aria-describedby="composer-error composer-hint"
        aria-invalid={form.errors["body"] ? "true" : undefined}
        required
      >
        {/* HTML drops one newline here: this one, not the person's. */}
        {"\n"}
        {form.values["body"]}
      </textarea>
      <button type="submit">
        <Icon name="send" /> {t.send}
      </button>
      <p class="error" id="composer-error" role="alert">
        {form.errors["body"] ?? form.general}
      </p>
      <p class="hint" id="composer-hint">
        {t.sendHint}
      </p>
    </form>
  );
};
