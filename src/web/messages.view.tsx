import type { Conversation, Member, Page } from "../core/conversations.ts";
import type { Message } from "../core/messages.ts";
import { Members } from "./conversations.view.tsx";
import type { FormState } from "./form.view.tsx";
import { Time, type PageContext } from "./layout.view.tsx";

type ThreadProps = {
  page: PageContext;
  conversation: Conversation;
  members: Member[];
  messages: Page<Message>;
  /** Shown from the middle, as a page of its own: not the latest ones. */
  isOlderPage: boolean;
  composer: FormState;
  invitation: FormState;
  idempotencyKey: string;
};

export const Thread = (props: ThreadProps) => {
  const { page, conversation, messages } = props;
  const { conversation: t } = page.t;
  return (
    <section class="thread" aria-labelledby="thread-title">
      <header class="thread-head">
        <a class="back" href="/conversations" aria-label={page.t.conversations.back}>
          ←
        </a>
        <h1 id="thread-title">{conversation.title}</h1>
        <Members
          page={page}
          conversation={conversation}
          members={props.members}
          form={props.invitation}
          open={Object.keys(props.invitation.errors).length > 0}
        />
      </header>
      <div class="scroll" tabindex="0" role="log" aria-label={t.messages}>
        <ol class="messages" id="messages">
          <MessageItems page={page} conversation={conversation} messages={messages} />
        </ol>
        {messages.items.length === 0 && (
          <div class="nothing" id="no-messages">
            <p>{t.empty}</p>
            <p class="muted">{t.emptyHint}</p>
          </div>
        )}
      </div>
      {props.isOlderPage && (
        <p class="latest">
          <a href={`/conversations/${conversation.id}`}>{t.latest}</a>
        </p>
      )}
      <Composer {...props} />
    </section>
  );
};

/** A page of messages, oldest first, under the way to the ones before it. */
export const MessageItems = ({
  page,
  conversation,
  messages,
}: Pick<ThreadProps, "page" | "conversation" | "messages">) => {
  const older = messages.next && `/conversations/${conversation.id}?before=${messages.next}`;
  return (
    <>
      {older && (
        <li class="more">
          <a class="quiet" href={older} hx-get={older} hx-target="closest li" hx-swap="outerHTML">
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

/** The same fragment on the first paint and in the answer to its author. User text is inside `hx-ignore`. */
export const MessageItem = ({ page, message }: { page: PageContext; message: Message }) => {
  const { conversation: t } = page.t;
  const isOwn = message.author_id !== null && message.author_id === page.viewer?.userId;
  return (
    <li id={`message-${message.id}`} class={isOwn ? "message own" : "message"} hx-ignore="">
      <p class="message-head">
        <span class="author">{isOwn ? t.you : (message.author_username ?? t.goneAuthor)}</span>{" "}
        <span class="muted small">
          <Time at={message.created_at} />
        </span>
      </p>
      <p class="body" dir="auto">
        {message.body}
      </p>
    </li>
  );
};

const Composer = ({ page, conversation, composer, idempotencyKey }: ThreadProps) => {
  const { conversation: t } = page.t;
  const url = `/conversations/${conversation.id}`;
  return (
    <form
      class="composer"
      id="composer"
      method="post"
      action={url}
      hx-post={url}
      hx-target="#messages"
      hx-swap="beforeend"
      hx-sync="this:drop"
    >
      <input type="hidden" name="idempotency_key" value={idempotencyKey} />
      <label class="visually-hidden" for="body">
        {t.compose}
      </label>
      <textarea
        id="body"
        name="body"
        rows="1"
        placeholder={t.placeholder}
        aria-describedby="composer-error composer-hint"
        aria-invalid={composer.errors["body"] ? "true" : undefined}
        required
      >
        {/* HTML drops one newline here: this one, not the person's. */}
        {"\n"}
        {composer.values["body"]}
      </textarea>
      <button type="submit">{t.send}</button>
      <p class="error" id="composer-error" role="alert">
        {composer.errors["body"]}
      </p>
      <p class="hint" id="composer-hint">
        {t.sendHint}
      </p>
    </form>
  );
};
