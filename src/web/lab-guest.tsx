import { Elysia } from "elysia";
import { LAB_ACTS } from "../core/auth/diary.ts";
import { DuetError, type SessionEnd } from "../errors.ts";
import { formBodies } from "../http/body.ts";
import { doAct } from "./lab-acts.ts";
import { asked, placeOf, seenIn, stepOf, tabsIn, viewOf } from "./lab-place.ts";
import { LabPage, LabParts } from "./lab.view.tsx";
import { LabStart } from "./lab-start.view.tsx";
import { isHtmx, pages, type Web } from "./page.ts";
import { storyOf } from "./story.ts";

type Deps = Pick<Web, "lab" | "guests" | "cookies" | "viewerIfAny" | "pageContext">;
type Settings = { headers: Record<string, unknown>; status?: number | string };

/** To the page's script: load it anew. */
const GONE = () => new Response(null, { status: 204 });

/**
 * The lab for whoever has no account, on a session of nobody. Everything of it lies below one path, where its cookies are sent: the
 * page, which refreshes by itself, and the acts.
 */
export function labGuestPages({ lab, guests, cookies, viewerIfAny, pageContext }: Deps) {
  const place = placeOf("guest", cookies.names.guestRefresh);
  const { guest: jar } = cookies;
  const story = storyOf(lab);
  const byPage = guests.diaries.observer("page");

  /** The guest's session by a good access token, after a refresh if that is what it takes; null where there is none. */
  async function findGuest(request: Request, set: Settings) {
    let accessToken = jar.accessToken(request);
    try {
      return { accessToken: accessToken!, guest: await guests.authenticate(accessToken, byPage) };
    } catch (error) {
      if (!(error instanceof DuetError) || error.status !== 401) throw error;
      if (error.details.end) return { end: error.details.end };
    }
    try {
      const pair = await guests.refresh(jar.refreshToken(request), byPage);
      jar.setTokens(set, pair);
      ({ accessToken } = pair);
      return { accessToken, guest: await guests.authenticate(accessToken, byPage) };
    } catch (error) {
      if (!(error instanceof DuetError) || error.status !== 401) throw error;
      return error.details.end ? { end: error.details.end } : null;
    }
  }

  /** What a session was until it ended. */
  async function endedState(request: Request, end: SessionEnd) {
    const diary = await guests.diaries.of(end.sessionId);
    const { settings } = guests;
    return {
      page: pageContext(request, null),
      place,
      diary,
      now: end.at,
      settings,
      end,
      ...seenIn(diary, settings),
    };
  }

  return new Elysia({ name: "web/lab-guest" })
    .use(pages)
    .use(formBodies)
    .get(
      "/lab/guest",
      async ({ request, server, query, set, redirect }) => {
        const viewer = await viewerIfAny({ request, server });
        if (viewer) return redirect(`/lab${stepOf(query)}`, 303);
        const page = pageContext(request, null);
        const View = isHtmx(request) ? LabParts : LabPage;
        const found = await findGuest(request, set);
        if (found === null) {
          // Its hour is over while the page was open: from the start.
          if (isHtmx(request)) return GONE();
          return <LabStart page={page} step={viewOf(query).step} story={story} />;
        }
        if (found.end) {
          const state = await endedState(request, found.end);
          return <View {...state} tokens={null} isBound={false} {...viewOf(query)} />;
        }
        const { settings } = guests;
        const state = await guests.inspect(found.guest, found.accessToken);
        const seen = seenIn(state.diary, settings);
        const all = { page, place, settings, ...state, ...seen, ...viewOf(query) };
        return <View {...all} tokens={state} isBound={false} />;
      },
      { query: asked },
    )
    .post(
      "/lab/guest/:act",
      async ({ request, params, query, set, redirect }) => {
        const act = LAB_ACTS.find((each) => each === params.act);
        if (!act) throw new DuetError("not_found");
        const held = jar.refreshToken(request);
        const back = `/lab/guest${stepOf(query)}`;
        const sessionId = await guests.sessionOf(held);
        // Its hour is over, or there never was one.
        if (!sessionId) return isHtmx(request) ? GONE() : redirect(back, 303);
        const end = await doAct(act, {
          diaries: guests.diaries,
          held: held!,
          tabs: tabsIn(request),
          read: async (token) => guests.read(token),
          refresh: guests.refresh,
          permit: guests.permit,
          use: (accessToken) => guests.authenticate(accessToken, byPage),
          isBound: async () => false,
          stolen: jar.stolen(request),
          keep: (pair) => jar.setTokens(set, pair),
          expireAccess: () => jar.expireAccess(set),
          putAside: (token) => jar.setStolen(set, token),
        });
        if (!isHtmx(request)) return redirect(back, 303);
        const diary = await guests.diaries.of(sessionId);
        const { settings } = guests;
        const told = { page: pageContext(request, null), place, diary, now: guests.now(), end, settings };
        return <LabParts {...told} {...seenIn(diary, settings)} {...viewOf(query)} />;
      },
      { query: asked },
    );
}
