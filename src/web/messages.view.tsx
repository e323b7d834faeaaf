import { written } from "./code.view.tsx";
import { createKept } from "./kept.view.tsx";
import { once } from "./form.view.tsx";
import type { Child, Markup } from "#html";
import type { Conversation } from "../core/chat/conversations.ts";
import type { Page } from "../core/page.ts";
import type { Message } from "../core/chat/messages.ts";
import type { FormState } from "./form.view.tsx";
import { Icon } from "./icons.view.tsx";
import { Layout, Time, type PageContext } from "./layout.view.tsx";

/** A page of messages, oldest first, under the way to the ones before it. */
export const MessageItems = ({
  page,
  conversation,
  messages,
}: {
  page: PageContext;
  conversation: Conversation;
  messages: Page<Message>;
}) => {
  const older = messages.next && `/conversations/${conversation.id}?before=${messages.next}`;
  return (
    <>
      {older && (
        <li class="more">
          <a
            class="quiet"
            href={older}
            hx-get={older}
            hx-target="closest li"
            hx-swap="outerHTML"
            hx-trigger="click, intersect once"
          >
            {page.t.conversation.older}
          </a>
        </li>
      )}
      {messages.items.map((message) => (
        <MessageItem page={page} message={message} />
      ))}
    </>
  );
};

const urlOf = (message: Message) => `/conversations/${message.conversation_id}/messages/${message.id}`;

/** What every message looks like, wherever it comes from. */
const MessageFrame = (props: {
  id?: string;
  className: string;
  author: string;
  state: Child;
  tools?: Child;
  children?: Child;
}) => (
  <li id={props.id} class={props.className}>
    <div class="message-head">
      <span class="author">{props.author}</span> <span class="state muted small">{props.state}</span>
      {props.tools}
    </div>
    {props.children}
  </li>
);

const kept = createKept();

/** The same fragment on the first paint, in the answer to its author and in the event stream. */
export const MessageItem = ({ page, message }: { page: PageContext; message: Message }): Markup => {
  const isOwn = message.author_id !== null && message.author_id === page.viewer?.userId;
  const { id, body, edited_at, removed_at, author_username } = message;
  const key = `${page.language} ${isOwn} ${id} ${edited_at} ${removed_at} ${author_username}`;
  return kept(key, body, () => drawMessage(page, message, isOwn));
};

function drawMessage(page: PageContext, message: Message, isOwn: boolean): Markup {
  const { conversation: t } = page.t;
  const isThere = message.removed_at === null;
  return (
    <MessageFrame
      id={`message-${message.id}`}
      className={isOwn ? "message own" : "message"}
      author={isOwn ? t.you : (message.author_username ?? t.goneAuthor)}
      state={[<Time at={message.created_at} />, message.edited_at !== null && isThere && ` · ${t.edited}`]}
      tools={isOwn && isThere && <MessageTools page={page} message={message} />}
    >
      {isThere ? (
        <p class="body" dir="auto" hx-ignore="">
          {written(page, message.body)}
        </p>
      ) : (
        <p class="body gone">{t.takenBack}</p>
      )}
    </MessageFrame>
  );
}

/** One that is on its way: the page's script puts the text into a copy of it. */
export const PendingMessage = ({ page }: { page: PageContext }) => {
  const { conversation: t } = page.t;
  const buttons = [
    <button class="quiet" type="button" data-again="">
      {t.sendAgain}
    </button>,
    <button class="quiet" type="button" data-back="">
      {t.takeBackUnsent}
    </button>,
  ];
  return (
    <MessageFrame className="message own pending" author={t.you} state={t.sending} tools={buttons}>
      <p class="body" dir="auto" />
    </MessageFrame>
  );
};

const MessageTools = ({ page, message }: { page: PageContext; message: Message }) => {
  const { conversation: t } = page.t;
  const url = urlOf(message);
  const swap = { "hx-target": "closest li", "hx-swap": "outerHTML" };
  return (
    <span class="tools">
      <a
        class="tool"
        href={`${url}/edit`}
        hx-get={`${url}/edit`}
        {...swap}
        aria-label={t.edit}
        title={t.edit}
      >
        <Icon name="edit" />
      </a>
      <form
        method="post"
        action={once(`${url}/remove`)}
        hx-post={`${url}/remove`}
        {...swap}
        data-confirm={t.confirmTakeBack}
      >
        <button class="tool" type="submit" aria-label={t.takeBack} title={t.takeBack}>
          <Icon name="remove" />
        </button>
      </form>
    </span>
  );
};

/** A message being changed, in its place. */
export const EditMessage = ({
  page,
  message,
  form,
}: {
  page: PageContext;
  message: Message;
  form: FormState;
}) => {
  const { conversation: t } = page.t;
  const url = urlOf(message);
  const id = `edit-${message.id}`;
  const error = form.errors["body"] ?? form.general;
  return (
    <li id={`message-${message.id}`} class="message own editing">
      <form
        method="post"
        action={once(url)}
        hx-post={url}
        hx-target="closest li"
        hx-swap="outerHTML"
        hx-sync="this:drop"
      >
        <label class="visually-hidden" for={id}>
          {t.edit}
        </label>
        <textarea
          id={id}
          name="body"
          rows="1"
          required
          autofocus
          aria-invalid={error ? "true" : undefined}
          aria-describedby={error && `${id}-error`}
        >
          {"\n"}
          {form.values["body"] ?? message.body}
        </textarea>
        {error && (
          <p class="error" id={`${id}-error`} role="alert">
            {error}
          </p>
        )}
        <p class="actions">
          <button type="submit">{t.save}</button>
          <a
            class="button secondary"
            href={url}
            hx-get={url}
            hx-target="closest li"
            hx-swap="outerHTML"
            data-discard=""
          >
            {t.cancel}
          </a>
        </p>
      </form>
    </li>
  );
};

/** The same as a page of its own, where there is no script. */
export const EditMessagePage = (props: { page: PageContext; message: Message; form: FormState }) => (
  <Layout page={props.page} title={props.page.t.conversation.edit}>
    <section class="card">
      <h1>{props.page.t.conversation.edit}</h1>
      <ol>
        <EditMessage {...props} />
      </ol>
    </section>
  </Layout>
);
