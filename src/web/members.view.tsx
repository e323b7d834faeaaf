import type { Conversation } from "../core/chat/conversations.ts";
import type { Invite } from "../core/chat/invites.ts";
import type { Member } from "../core/chat/members.ts";
import { emptyForm, Field, once, type FormState } from "./form.view.tsx";
import { Icon } from "./icons.view.tsx";
import { InviteLinks } from "./invites.view.tsx";
import type { PageContext } from "./layout.view.tsx";

/** What came of an invitation: somebody, or the form again with what is wrong. */
export type Invited = {
  invited?: { member: Member; isNew: boolean };
  invitation?: FormState;
  /** One that was just made. */
  link?: string;
  isOpen?: boolean;
};

type MembersProps = Invited & {
  page: PageContext;
  conversation: Conversation;
  members: Member[];
  invites: Invite[];
};

/** Who is in a conversation; its owner invites and removes, anybody else leaves. */
export const Members = (props: MembersProps) => {
  const { page, conversation, members, invited, invitation = emptyForm, link, isOpen } = props;
  const { conversation: t } = page.t;
  const url = `/conversations/${conversation.id}/members`;
  const isOwner = page.viewer?.userId === conversation.owner_id;
  const error = invitation.errors["username"] ?? invitation.general;
  return (
    <details
      class="menu"
      id="members"
      open={isOpen || invited !== undefined || error !== undefined || link !== undefined}
    >
      <summary aria-label={t.members(members.length)}>
        <Icon name="people" /> <span aria-hidden="true">{members.length}</span>
      </summary>
      <div class="popover">
        <h2>{t.members(members.length)}</h2>
        <ul>
          {members.map((member) => (
            <MemberItem page={page} conversation={conversation} member={member} />
          ))}
        </ul>
        {isOwner && (
          <form
            method="post"
            action={once(url)}
            hx-post={url}
            hx-target="#members"
            hx-swap="outerHTML"
            hx-sync="this:drop"
          >
            <Field name="username" label={t.invite} error={error}>
              {({ id, name, invalid }) => (
                <span class="joined">
                  <input
                    {...{ id, name, ...invalid }}
                    value={invitation.values["username"]}
                    autocomplete="off"
                    autocapitalize="none"
                    spellcheck="false"
                    required
                    list="known"
                    hx-get={`/conversations/${conversation.id}/people`}
                    hx-trigger="focus once"
                    hx-target="#known"
                  />
                  <datalist id="known" />
                  <button type="submit">{t.inviteSubmit}</button>
                </span>
              )}
            </Field>
            {invited && (
              <p class="small" role="status">
                {(invited.isNew ? t.invited : t.invitedBefore)(invited.member.username)}
              </p>
            )}
          </form>
        )}
        {isOwner && <InviteLinks {...props} />}
      </div>
    </details>
  );
};

const MemberItem = ({
  page,
  conversation,
  member,
}: Pick<MembersProps, "page" | "conversation"> & { member: Member }) => {
  const { conversation: t } = page.t;
  const isOwner = page.viewer?.userId === conversation.owner_id;
  const isSelf = member.user_id === page.viewer?.userId;
  const mayRemove = member.user_id !== conversation.owner_id && (isOwner || isSelf);
  return (
    <li>
      <span>{member.username}</span>
      {member.user_id === conversation.owner_id && <span class="muted small"> {t.owner}</span>}
      {mayRemove && (
        <form
          method="post"
          action={once(`/conversations/${conversation.id}/members/${member.user_id}/remove`)}
          data-confirm={isSelf ? t.confirmLeave : t.confirmRemove(member.username)}
        >
          <button class="quiet" type="submit" aria-label={isSelf ? t.leave : t.remove(member.username)}>
            {isSelf ? t.leave : <Icon name="take" />}
          </button>
        </form>
      )}
    </li>
  );
};

/** What its owner may do with a conversation as a whole. */
export const ConversationMenu = ({
  page,
  conversation,
  form,
}: {
  page: PageContext;
  conversation: Conversation;
  form: FormState;
}) => {
  const { conversation: t } = page.t;
  if (page.viewer?.userId !== conversation.owner_id) return <></>;
  const url = `/conversations/${conversation.id}`;
  const error = form.errors["title"] ?? form.general;
  return (
    <details class="menu" id="conversation-menu" open={error !== undefined}>
      <summary aria-label={t.menu}>
        <Icon name="more" />
      </summary>
      <div class="popover">
        <form method="post" action={once(`${url}/title`)}>
          <Field name="new-title" label={t.rename} error={error}>
            {({ id, invalid }) => (
              <span class="joined">
                <input
                  {...{ id, ...invalid }}
                  name="title"
                  value={form.values["title"] ?? conversation.title}
                  autocomplete="off"
                  maxlength="200"
                  required
                />
                <button type="submit">{t.save}</button>
              </span>
            )}
          </Field>
        </form>
        <form method="post" action={once(`${url}/remove`)}>
          <button class="quiet danger" type="submit">
            <Icon name="remove" /> {t.removeConversation}
          </button>
        </form>
      </div>
    </details>
  );
};
