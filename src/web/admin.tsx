import { Elysia, t } from "elysia";
import { nameDevice } from "../core/auth/devices.ts";
import type { AdminViewer } from "../core/auth/admin.ts";
import type { Metrics } from "../core/metrics.ts";
import type { Viewer } from "../core/viewer.ts";
import { DuetError } from "../errors.ts";
import { cookieViewer } from "../http/auth.ts";
import { formBodies } from "../http/body.ts";
import type { Incoming } from "../http/connection.ts";
import { AdminPage } from "./admin.view.tsx";
import { pages, type Web } from "./page.ts";
import { PersonPage } from "./person.view.tsx";

type Deps = Pick<
  Web,
  | "admin"
  | "operator"
  | "ownFactors"
  | "links"
  | "security"
  | "sessions"
  | "keys"
  | "notifier"
  | "ready"
  | "settings"
  | "cookies"
  | "showingOf"
  | "deviceOf"
  | "pageContext"
> & { metrics: Metrics };

const EVENTS_SHOWN = 50;

/**
 * For operators, whom the command line has made so; for anybody else there is no such page. Each act is an event with the
 * operator's name. Whoever has not proved in the last minutes who they are is asked first (`proof_required`).
 */
export function adminPages(deps: Deps) {
  const { admin, operator, ownFactors, links, security, sessions, keys, notifier, ready, settings, metrics } =
    deps;
  const { cookies, showingOf, deviceOf, pageContext } = deps;

  /** Does what `show` does for an operator who has proved lately who they are. Error codes: `not_found`, `proof_required`. */
  async function asOperator<T>(
    { request, server }: Incoming,
    viewer: Viewer,
    show: (by: AdminViewer) => Promise<T>,
  ) {
    return show(await admin.viewerAs(viewer, deviceOf({ request, server })));
  }

  async function showState(
    request: Request,
    viewer: Viewer,
    query: { search?: string | undefined; after?: string | undefined },
    invitation?: string,
  ) {
    const { search = "", after = "" } = query;
    const [people, invitations, trouble] = await Promise.all([
      operator.list({ search, after }),
      settings.registration === "closed" ? links.invitations() : null,
      ready().then(
        () => null,
        (error: unknown) => String(error instanceof DuetError ? error.details.cause : error),
      ),
    ]);
    const state = {
      trouble,
      database: settings.databaseUrl ? "PostgreSQL" : "SQLite",
      keys: keys.list(),
      limits: settings.rateLimits,
      streams: notifier.size(),
      backupAgeSeconds: metrics.value("duet_backup_age_seconds"),
      now: Date.now(),
    };
    return (
      <AdminPage
        page={pageContext(request, viewer)}
        {...{ people, search, invitations, invitation, state }}
      />
    );
  }

  async function showPerson(
    request: Request,
    viewer: Viewer,
    id: string,
    { events: before, link }: { events?: string | undefined; link?: string } = {},
  ) {
    const user = await operator.findById(id);
    const [own, held, events] = await Promise.all([
      operator.sessionsOf(user),
      ownFactors.list({ userId: id }),
      security.list({ userId: id }, { limit: EVENTS_SHOWN, before }),
    ]);
    const page = pageContext(request, viewer);
    return (
      <PersonPage
        page={page}
        user={user}
        held={held}
        sessions={own.map((each) => ({ ...each, device: nameDevice(each.user_agent, page.t.onDevice) }))}
        events={events.items.map((each) => ({
          ...each,
          device: nameDevice(each.user_agent, page.t.onDevice),
        }))}
        moreEvents={events.next}
        link={link}
      />
    );
  }

  const personUrl = (id: string) => `/admin/people/${id}`;

  return (
    new Elysia({ name: "web/admin", prefix: "/admin" })
      .use(pages)
      .use(formBodies)
      .use(cookieViewer({ sessions, cookies, showingOf }))
      .get(
        "",
        ({ request, server, viewer, query }) =>
          asOperator({ request, server }, viewer, () => showState(request, viewer, query)),
        { query: t.Object({ search: t.Optional(t.String()), after: t.Optional(t.String()) }) },
      )
      .get(
        "/people/:id",
        ({ request, server, viewer, params, query }) =>
          asOperator({ request, server }, viewer, () => showPerson(request, viewer, params.id, query)),
        { query: t.Object({ events: t.Optional(t.String()) }) },
      )
      .post("/people/:id/disable", ({ request, server, viewer, params, redirect }) =>
        asOperator({ request, server }, viewer, async (by) => {
          await admin.disable(by, params.id);
          return redirect(personUrl(params.id), 303);
        }),
      )
      .post("/people/:id/enable", ({ request, server, viewer, params, redirect }) =>
        asOperator({ request, server }, viewer, async (by) => {
          await admin.enable(by, params.id);
          return redirect(personUrl(params.id), 303);
        }),
      )
      .post("/people/:id/sessions/:sessionId/end", ({ request, server, viewer, params, redirect }) =>
        asOperator({ request, server }, viewer, async (by) => {
          await admin.endSession(by, params.id, params.sessionId);
          return redirect(personUrl(params.id), 303);
        }),
      )
      // The link is shown once, in the answer.
      .post("/people/:id/reset-link", ({ request, server, viewer, params }) =>
        asOperator({ request, server }, viewer, async (by) => {
          const link = await admin.makeReset(by, params.id);
          return showPerson(request, viewer, params.id, { link });
        }),
      )
      .post("/invitations", ({ request, server, viewer }) =>
        asOperator({ request, server }, viewer, async (by) => {
          if (settings.registration === "open") throw new DuetError("not_found");
          return showState(request, viewer, {}, await links.makeInvitation(by));
        }),
      )
      .post("/invitations/:id/end", ({ request, server, viewer, params, redirect }) =>
        asOperator({ request, server }, viewer, async (by) => {
          await links.endInvitation(params.id, by);
          return redirect("/admin", 303);
        }),
      )
  );
}
