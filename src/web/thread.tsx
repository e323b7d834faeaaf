import type { Conversations } from "../core/conversations.ts";
import type { Live } from "../core/live.ts";
import type { Messages } from "../core/messages.ts";
import type { Viewer } from "../core/sessions.ts";
import { ConversationsPage } from "./conversations.view.tsx";
import { emptyForm, type FormState } from "./form.view.tsx";
import { Thread } from "./thread.view.tsx";
import type { MakePage } from "./page.ts";

/** How many messages are shown after the one that was looked for. */
const LATER = 25;

type Shown = {
  /** Older messages than this one, or the ones around this one. */
  before?: string | undefined;
  at?: string | undefined;
  composer?: FormState;
  invitation?: FormState;
  title?: FormState;
};

export type ShowThread = ReturnType<typeof createShowThread>;

/** The page of one conversation, whatever form on it is shown again. */
export const createShowThread =
  (deps: { conversations: Conversations; messages: Messages; live: Live; makePage: MakePage }) =>
  async (request: Request, viewer: Viewer, id: string, shown: Shown = {}) => {
    const { conversations, messages, live, makePage } = deps;
    const page = makePage(request, viewer);
    const conversation = await conversations.get(viewer, id);
    // Before the rest is read: what comes in between is told twice, never not at all.
    const place = await live.place();
    const [list, members, thread, later] = await Promise.all([
      conversations.list(viewer),
      conversations.listMembers(viewer, id),
      messages.list(viewer, id, { before: shown.before, through: shown.at }),
      shown.at ? messages.list(viewer, id, { after: shown.at, limit: LATER }) : null,
    ]);
    const items = [...thread.items, ...(later?.items ?? [])];
    const isOlderPage = shown.before !== undefined || !!later?.next;
    return (
      <ConversationsPage
        page={page}
        list={list}
        form={emptyForm}
        openId={id}
        title={conversation.title}
        place={place}
      >
        <Thread
          page={page}
          conversation={conversation}
          members={members}
          messages={{ ...thread, items }}
          isOlderPage={isOlderPage}
          composer={shown.composer ?? emptyForm}
          invitation={shown.invitation ?? emptyForm}
          title={shown.title ?? emptyForm}
          idempotencyKey={crypto.randomUUID()}
        />
      </ConversationsPage>
    );
  };
