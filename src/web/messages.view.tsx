import { written } from "./code.view.tsx";
import { createKept } from "./kept.view.tsx";
import { once } from "./form.view.tsx";
import type { Child, Markup } from "#html";
import type { Message } from "../core/chat/messages.ts";
import type { FormState } from "./form.view.tsx";
import { Icon } from "./icons.view.tsx";
import { Layout, Time, type PageContext } from "./layout.view.tsx";

const urlOf = (message: Message) => `/conversations/${message.conversation_id}/messages/${message.id}`;

const HUES = 10;

/** The beginnings of a name, in a colour that is somebody's own. */
const Avatar = ({ id, name }: { id: string | null; name: string | null }) => {
  const parts = (name ?? "").split(/[._-]/).filter(Boolean).slice(0, 2);
  return (
    <span
      class="avatar"
      aria-hidden="true"
      data-hue={id === null ? undefined : Number.parseInt(id.slice(-4), 16) % HUES}
    >
      {parts.map((part) => [...part][0]!.toUpperCase()).join("") || "–"}
    </span>
  );
};

/** What every message looks like, wherever it comes from. */
const MessageFrame = (props: {
  id?: string;
  className: string;
  authorId?: string | null;
  /** Beside the name, except of one's own. */
  avatar?: Child;
  author: string;
  state: Child;
  tools?: Child;
  children?: Child;
}) => (
  <li id={props.id} class={props.className} data-author={props.authorId ?? ""}>
    {props.avatar}
    <div class="message-head">
      <span class="author">{props.author}</span> <span class="state muted small">{props.state}</span>
      {props.tools}
    </div>
    {props.children}
  </li>
);

const kept = createKept();

/** The same fragment on the first paint, in the answer to its author and in the event stream. */
export const MessageItem = ({
  page,
  message,
  follows = false,
}: {
  page: PageContext;
  message: Message;
  /** Another one by the same author, just before. */
  follows?: boolean;
}): Markup => {
  const isOwn = message.author_id !== null && message.author_id === page.viewer?.userId;
  const { id, body, edited_at, removed_at, author_username } = message;
  const key = `${page.language} ${isOwn} ${follows} ${id} ${edited_at} ${removed_at} ${author_username}`;
  return kept(key, body, () => drawMessage(page, message, isOwn, follows));
};

function drawMessage(page: PageContext, message: Message, isOwn: boolean, follows: boolean): Markup {
  const { conversation: t } = page.t;
  const isThere = message.removed_at === null;
  return (
    <MessageFrame
      id={`message-${message.id}`}
      className={`message${isOwn ? " own" : ""}${follows ? " follows" : ""}`}
      authorId={message.author_id}
      avatar={!isOwn && <Avatar id={message.author_id} name={message.author_username} />}
      author={isOwn ? t.you : (message.author_username ?? t.goneAuthor)}
      state={[
        <Time at={message.created_at} isOfDay />,
        message.edited_at !== null && isThere && ` · ${t.edited}`,
      ]}
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
    <MessageFrame
      className="message own pending"
      authorId={page.viewer?.userId ?? null}
      author={t.you}
      state={t.sending}
      tools={buttons}
    >
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
