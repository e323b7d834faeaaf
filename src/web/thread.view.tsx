import type { Conversation, Member, Page } from "../core/conversations.ts";
import type { Message } from "../core/messages.ts";
import type { FormState } from "./form.view.tsx";
import { Icon } from "./icons.view.tsx";
import type { PageContext } from "./layout.view.tsx";
import { ConversationMenu, Members } from "./members.view.tsx";
import { MessageItems } from "./messages.view.tsx";

type ThreadProps = {
  page: PageContext;
  conversation: Conversation;
  members: Member[];
  messages: Page<Message>;
  /** Shown from the middle, as a page of its own: not the latest ones. */
  isOlderPage: boolean;
  composer: FormState;
  invitation: FormState;
  title: FormState;
  idempotencyKey: string;
};

export const Thread = (props: ThreadProps) => {
  const { page, conversation, messages } = props;
  const { conversation: t } = page.t;
  const last = messages.items.at(-1);
  return (
    <section class="thread" aria-labelledby="thread-title">
      <header class="thread-head">
        <a class="back" href="/conversations" aria-label={page.t.conversations.back}>
          <Icon name="back" />
        </a>
        <h1 id="thread-title" dir="auto" title={conversation.title}>
          {conversation.title}
        </h1>
        <Members
          page={page}
          conversation={conversation}
          members={props.members}
          invitation={props.invitation}
        />
        <ConversationMenu page={page} conversation={conversation} form={props.title} />
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
          {last && (
            <a href={`/conversations/${conversation.id}?at=${last.id}#message-${last.id}`}>{t.later}</a>
          )}
          <a href={`/conversations/${conversation.id}`}>{t.latest}</a>
        </p>
      )}
      <Composer {...props} />
    </section>
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
      autocomplete="off"
      data-sending={t.sending}
      data-failed={t.failed}
      data-again={t.sendAgain}
      data-back={t.takeBackUnsent}
      data-you={t.you}
      data-newer={t.newer}
      data-gone={t.gone}
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
      <button type="submit">
        <Icon name="send" /> {t.send}
      </button>
      <p class="error" id="composer-error" role="alert">
        {composer.errors["body"] ?? composer.general}
      </p>
      <p class="hint" id="composer-hint">
        {t.sendHint}
      </p>
    </form>
  );
};
