import { Elysia } from "elysia";
import { LAB_ACTS } from "../core/auth/diary.ts";
import { DuetError } from "../errors.ts";
import { cookieViewer } from "../http/auth.ts";
import { formBodies } from "../http/body.ts";
import { doAct } from "./lab-acts.ts";
import { LabPage, LabParts } from "./lab.view.tsx";
import { asked, placeOf, seenIn, stepOf, tabsIn, viewOf } from "./lab-place.ts";
import { isHtmx, pages, type Web } from "./page.ts";

type Deps = Pick<
  Web,
  "lab" | "guests" | "sessions" | "shownTokens" | "cookies" | "showingOf" | "deviceOf" | "pageContext"
>;

/**
 * The lab on one's own session. The acts are below `/auth`, the only place that the refresh token is sent to. There, too, a
 * guest is let in: where it is certain that nobody is signed in.
 */
export function labPages(deps: Deps) {
  const { lab, guests, sessions, shownTokens, cookies, showingOf, deviceOf, pageContext } = deps;
  const own = placeOf("own", cookies.names.refresh);

  return new Elysia({ name: "web/lab" })
    .use(pages)
    .use(formBodies)
    .post(
      "/auth/lab",
      async ({ request, server, query, set, redirect }) => {
        // Whoever may be signed in comes to their own session, by way of a refresh.
        if (await shownTokens.isOfSession(cookies.refreshTokens(request)))
          return redirect(`/lab${stepOf(query)}`, 303);
        const { ip } = deviceOf({ request, server });
        cookies.guest.setTokens(set, await guests.start(ip));
        return redirect(`/lab/guest${stepOf(query)}${query.step ? "#lab-told" : ""}`, 303);
      },
      { query: asked },
    )
    .post(
      "/auth/lab/:act",
      async ({ request, server, params, query, set, redirect }) => {
        const act = LAB_ACTS.find((each) => each === params.act);
        const held = await shownTokens.ourRefreshToken(cookies.refreshTokens(request));
        if (!held) throw new DuetError("token_missing");
        if (!act) throw new DuetError("not_found");
        const showing = showingOf({ request, server });
        const end = await doAct(act, {
          diaries: lab.diaries,
          held,
          tabs: tabsIn(request),
          read: lab.read,
          permit: lab.permit,
          refresh: (token, observe) => sessions.refresh(token, showing, observe),
          use: (accessToken) => sessions.authenticate(accessToken, { ...showing, scheme: "cookie" }),
          isBound: lab.isBound,
          stolen: cookies.stolen(request),
          keep: (pair) => cookies.setTokens(set, pair),
          expireAccess: () => cookies.expireAccess(set),
          putAside: (token) => cookies.setStolen(set, token),
        });
        if (!isHtmx(request)) return redirect(`/lab${stepOf(query)}`, 303);
        const { sessionId } = await lab.read(held);
        const diary = await lab.diaries.of(sessionId);
        const told = { page: pageContext(request, null), place: own, diary, now: lab.now(), end };
        const seen = seenIn(diary, lab.settings, await lab.isBound(sessionId));
        return <LabParts {...told} settings={lab.settings} {...seen} {...viewOf(query)} />;
      },
      { query: asked },
    )
    .use(cookieViewer({ sessions, cookies, showingOf }))
    .get(
      "/lab",
      async ({ request, viewer, query }) => {
        const page = pageContext(request, viewer);
        const state = await lab.inspect(viewer, cookies.accessToken(request)!);
        const View = isHtmx(request) ? LabParts : LabPage;
        const seen = seenIn(state.diary, state.settings, state.isBound);
        return <View page={page} place={own} {...state} tokens={state} {...seen} {...viewOf(query)} />;
      },
      { query: asked },
    );
}
