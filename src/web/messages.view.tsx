import type { Child } from "#html";
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

/** The same fragment on the first paint, in the answer to its author and in the event stream. */
export const MessageItem = ({ page, message }: { page: PageContext; message: Message }) => {
  const { conversation: t } = page.t;
  const isOwn = message.author_id !== null && message.author_id === page.viewer?.userId;
  return (
    <li id={`message-${message.id}`} class={isOwn ? "message own" : "message"}>
      <div class="message-head">
        <span class="author">{isOwn ? t.you : (message.author_username ?? t.goneAuthor)}</span>{" "}
        <span class="muted small">
          <Time at={message.created_at} />
          {message.edited_at !== null && message.removed_at === null && ` · ${t.edited}`}
        </span>
        {isOwn && message.removed_at === null && <MessageTools page={page} message={message} />}
      </div>
      {message.removed_at === null ? (
        <p class="body" dir="auto" hx-ignore="">
          {linked(message.body)}
        </p>
      ) : (
        <p class="body gone">{t.takenBack}</p>
      )}
    </li>
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
        action={`${url}/remove`}
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
        action={url}
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
          <a class="button secondary" href={url} hx-get={url} hx-target="closest li" hx-swap="outerHTML">
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

/** Addresses become links; nothing else does. What ends a sentence is not part of one. */
function linked(text: string): Child[] {
  const parts: Child[] = [];
  let last = 0;
  for (const match of text.matchAll(
    /https?:\/\/[^\s<>"“”‘’（）【】《》「」『』〈〉〔〕，。；：！？、…]+/giu,
  )) {
    const url = withoutEnd(match[0]);
    if (!URL.canParse(url)) continue;
    parts.push(
      text.slice(last, match.index),
      <a href={url} target="_blank" rel="noopener noreferrer nofollow ugc">
        {url}
      </a>,
    );
    last = match.index + url.length;
  }
  return [...parts, text.slice(last)];
}

/** Without what ends a sentence, and without a parenthesis that was opened before it. */
function withoutEnd(url: string): string {
  let unopened = url.split(")").length - url.split("(").length;
  for (let end = url.length; ; end--) {
    const last = url[end - 1]!;
    const isForeign = last === ")" ? unopened-- > 0 : /[.,;:!?'\]}]/.test(last);
    if (!isForeign) return url.slice(0, end);
  }
}
