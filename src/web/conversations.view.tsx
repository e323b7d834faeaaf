import type { Child } from "#html";
import type { Conversation, Member, Page } from "../core/conversations.ts";
import { Field, type FormState } from "./form.view.tsx";
import { SignInDialog } from "./sessions.view.tsx";
import { Layout, Time, type PageContext } from "./layout.view.tsx";

type ListProps = { page: PageContext; list: Page<Conversation>; form: FormState; openId?: string };

/** The list, and beside it (on a wide screen) whatever is open. */
export const ConversationsPage = (props: ListProps & { title?: string; children?: Child }) => {
  const { page, children } = props;
  const { conversations } = page.t;
  return (
    <Layout
      page={page}
      title={props.title ?? conversations.title}
      className={children ? "split open" : "split"}
      dialog={<SignInDialog page={page} />}
    >
      <section class="sidebar" aria-label={conversations.title}>
        {children ? <h2>{conversations.title}</h2> : <h1>{conversations.title}</h1>}
        <NewConversation page={page} form={props.form} />
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

export const NewConversation = ({ page, form }: { page: PageContext; form: FormState }) => (
  <form
    class="new"
    id="new-conversation"
    method="post"
    action="/conversations"
    hx-post="/conversations"
    hx-target="this"
    hx-swap="outerHTML"
    hx-sync="this:drop"
  >
    <Field name="title" label={page.t.conversations.newTitle} error={form.errors["title"]}>
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
  if (list.items.length === 0)
    return (
      <div class="nothing">
        <p>{conversations.empty}</p>
        <p class="muted">{conversations.emptyHint}</p>
      </div>
    );
  return (
    <nav aria-label={conversations.title}>
      <ul class="list" id="conversations">
        <ConversationItems page={page} list={list} openId={openId} />
      </ul>
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
        <li>
          <a
            href={`/conversations/${conversation.id}`}
            aria-current={conversation.id === openId ? "page" : undefined}
          >
            <span class="list-title">{conversation.title}</span>
            <span class="muted small">
              <Time at={conversation.updated_at} />
            </span>
          </a>
        </li>
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

type MembersProps = {
  page: PageContext;
  conversation: Conversation;
  members: Member[];
  form: FormState;
  open?: boolean;
};

export const Members = ({ page, conversation, members, form, open }: MembersProps) => {
  const { conversation: t } = page.t;
  const url = `/conversations/${conversation.id}/members`;
  const isOwner = page.viewer?.userId === conversation.owner_id;
  return (
    <details class="members" id="members" open={open}>
      <summary>{t.members(members.length)}</summary>
      <div class="popover">
        <ul>
          {members.map((member) => {
            const isSelf = member.user_id === page.viewer?.userId;
            const mayRemove = member.user_id !== conversation.owner_id && (isOwner || isSelf);
            return (
              <li>
                <span>{member.username}</span>
                {member.user_id === conversation.owner_id && <span class="muted small"> {t.owner}</span>}
                {mayRemove && (
                  <form method="post" action={`${url}/${member.user_id}/remove`}>
                    <button
                      class="quiet"
                      type="submit"
                      aria-label={isSelf ? t.leave : t.remove(member.username)}
                    >
                      {isSelf ? t.leave : "×"}
                    </button>
                  </form>
                )}
              </li>
            );
          })}
        </ul>
        {isOwner && (
          <form
            method="post"
            action={url}
            hx-post={url}
            hx-target="#members"
            hx-swap="outerHTML"
            hx-sync="this:drop"
          >
            <Field name="username" label={t.invite} error={form.errors["username"]}>
              {({ id, name, invalid }) => (
                <span class="joined">
                  <input
                    {...{ id, name, ...invalid }}
                    value={form.values["username"]}
                    autocomplete="off"
                    autocapitalize="none"
                    spellcheck="false"
                    required
                  />
                  <button type="submit">{t.inviteSubmit}</button>
                </span>
              )}
            </Field>
          </form>
        )}
      </div>
    </details>
  );
};
