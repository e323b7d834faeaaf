import { Elysia, t } from "elysia";
import { nameDevice } from "../core/auth/devices.ts";
import type { AdminViewer } from "../core/auth/admin.ts";
import type { Metrics } from "../core/metrics.ts";
import type { Viewer } from "../core/viewer.ts";
import { DuetError } from "../errors.ts";
import { cookieViewer } from "../http/auth.ts";
import { formBodies } from "../http/body.ts";
import type { Incoming } from "../http/connection.ts";
import { AdminPage, ProofPage } from "./admin.view.tsx";
import { failedForm } from "./form.ts";
import { emptyForm, type FormState } from "./form.view.tsx";
import { refererOf, safeNext } from "./next.ts";
import { pages, type Web } from "./page.ts";
import { PersonPage } from "./person.view.tsx";

type Deps = Pick<
  Web,
  | "admin"
  | "operator"
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
 * operator's name. Whoever has not proved in the last minutes who they are is asked for the password first.
 */
export function adminPages(deps: Deps) {
  const { admin, operator, links, security, sessions, keys, notifier, ready, settings, metrics } = deps;
  const { cookies, showingOf, deviceOf, pageContext } = deps;

  /** Shows what `show` draws to an operator who has proved who they are, else the question for the password. */
  async function asOperator<T>(
    { request, server }: Incoming,
    viewer: Viewer,
    set: { status?: number | string },
    show: (by: AdminViewer) => Promise<T>,
  ) {
    const by = await admin.viewerAs(viewer, deviceOf({ request, server }));
    if (by.isProved) return show(by);
    const { pathname, search } = new URL(request.url);
    return askForProof(
      request,
      viewer,
      set,
      request.method === "GET" ? pathname + search : refererOf(request),
    );
  }

  function askForProof(
    request: Request,
    viewer: Viewer,
    set: { status?: number | string },
    next: string,
    form: FormState = emptyForm,
  ) {
    if (form === emptyForm) set.status = 403;
    return <ProofPage page={pageContext(request, viewer)} next={next} form={form} />;
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
    const [own, events] = await Promise.all([
      operator.sessionsOf(user),
      security.list({ userId: id }, { limit: EVENTS_SHOWN, before }),
    ]);
    return (
      <PersonPage
        page={pageContext(request, viewer)}
        user={user}
        sessions={own.map((each) => ({ ...each, device: nameDevice(each.user_agent) }))}
        events={events.items.map((each) => ({ ...each, device: nameDevice(each.user_agent) }))}
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
        ({ request, server, viewer, query, set }) =>
          asOperator({ request, server }, viewer, set, () => showState(request, viewer, query)),
        { query: t.Object({ search: t.Optional(t.String()), after: t.Optional(t.String()) }) },
      )
      .post(
        "/proof",
        async ({ request, server, viewer, body, set, redirect }) => {
          const next = safeNext(body.next, "/admin");
          try {
            await admin.prove(viewer, body.password, deviceOf({ request, server }));
            return redirect(next, 303);
          } catch (error) {
            const form = failedForm(error, pageContext(request, viewer).language, {}, set);
            return askForProof(request, viewer, set, next, form);
          }
        },
        { body: t.Object({ password: t.String(), next: t.Optional(t.String()) }) },
      )
      .get(
        "/people/:id",
        ({ request, server, viewer, params, query, set }) =>
          asOperator({ request, server }, viewer, set, () => showPerson(request, viewer, params.id, query)),
        { query: t.Object({ events: t.Optional(t.String()) }) },
      )
      .post("/people/:id/disable", ({ request, server, viewer, params, set, redirect }) =>
        asOperator({ request, server }, viewer, set, async (by) => {
          await admin.disable(by, params.id);
          return redirect(personUrl(params.id), 303);
        }),
      )
      .post("/people/:id/enable", ({ request, server, viewer, params, set, redirect }) =>
        asOperator({ request, server }, viewer, set, async (by) => {
          await admin.enable(by, params.id);
          return redirect(personUrl(params.id), 303);
        }),
      )
      .post("/people/:id/sessions/:sessionId/end", ({ request, server, viewer, params, set, redirect }) =>
        asOperator({ request, server }, viewer, set, async (by) => {
          await admin.endSession(by, params.id, params.sessionId);
          return redirect(personUrl(params.id), 303);
        }),
      )
      // The link is shown once, in the answer.
      .post("/people/:id/reset-link", ({ request, server, viewer, params, set }) =>
        asOperator({ request, server }, viewer, set, async (by) => {
          const link = await admin.makeReset(by, params.id);
          return showPerson(request, viewer, params.id, { link });
        }),
      )
      .post("/invitations", ({ request, server, viewer, set }) =>
        asOperator({ request, server }, viewer, set, async (by) => {
          if (settings.registration === "open") throw new DuetError("not_found");
          return showState(request, viewer, {}, await links.makeInvitation(by));
        }),
      )
      .post("/invitations/:id/end", ({ request, server, viewer, params, set, redirect }) =>
        asOperator({ request, server }, viewer, set, async (by) => {
          await links.endInvitation(params.id, by);
          return redirect("/admin", 303);
        }),
      )
  );
}
