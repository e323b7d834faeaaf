import type { Conversation } from "../core/chat/conversations.ts";
import type { Message } from "../core/chat/messages.ts";
import type { Note } from "../core/chat/notes.ts";
import type { Page } from "../core/page.ts";
import { Time, type PageContext } from "./layout.view.tsx";
import { MessageItem } from "./messages.view.tsx";

type ItemsProps = {
  page: PageContext;
  conversation: Conversation;
  messages: Page<Message>;
  notes: Note[];
  /** The last message that was read, where it is to be shown that there are newer ones. */
  readId?: string | undefined;
};

/** What somebody says within so long of what they have said stands under one name. The page's script does the same. */
const TOGETHER_MS = 5 * 60 * 1000;

/** A page of messages and what happened between them, oldest first, under the way to the ones before it. */
export const ThreadItems = ({ page, conversation, messages, notes, readId }: ItemsProps) => {
  const older = messages.next && `/conversations/${conversation.id}?before=${messages.next}`;
  // Where it lies above what is shown, it is not shown.
  const isHere = readId !== undefined && (messages.next === null || messages.items[0]!.id <= readId);
  const isNew = ({ id, author_id }: Message) => id > readId! && author_id !== page.viewer?.userId;
  const firstNew = isHere ? messages.items.find(isNew) : undefined;
  const items = [...messages.items, ...notes].toSorted((a, b) => (a.id < b.id ? -1 : 1));
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
      {items.map((item, i) => {
        if ("kind" in item) return <NoteItem page={page} note={item} />;
        const isFirstNew = item === firstNew;
        return (
          <>
            {isFirstNew && (
              <li class="new-line" id="new-line">
                <span>{page.t.conversation.newLine}</span>
              </li>
            )}
            <MessageItem page={page} message={item} follows={!isFirstNew && follows(item, items[i - 1])} />
          </>
        );
      })}
    </>
  );
};

const follows = (message: Message, before: Message | Note | undefined) =>
  before !== undefined &&
  !("kind" in before) &&
  before.author_id === message.author_id &&
  message.created_at - before.created_at < TOGETHER_MS;

/** What happened to the conversation, in a line of its own. */
export const NoteItem = ({ page, note }: { page: PageContext; note: Note }) => {
  const { you, goneAuthor, notes: t } = page.t.conversation;
  const nameOf = (id: string | null, username: string | null) =>
    id === page.viewer?.userId ? you : (username ?? goneAuthor);
  const actor = nameOf(note.actor_id, note.actor_username);
  const subject = nameOf(note.subject_id, note.subject_username);
  return (
    <li id={`note-${note.id}`} class="note">
      {t[note.kind](actor, note.kind === "renamed" ? note.title! : subject)}{" "}
      <Time at={note.created_at} isOfDay />
    </li>
  );
};
