import { Elysia, t } from "elysia";
import { DuetError, type SessionEnd } from "../errors.ts";
import { LAB_ACTS, REQUESTS, type LabAct } from "../core/auth/diary.ts";
import type { Showing } from "../core/auth/proofs.ts";
import { cookieViewer } from "../http/auth.ts";
import { formBodies } from "../http/body.ts";
import { LabParts, LabPage } from "./lab.view.tsx";
import { isHtmx, pages, type Web } from "./page.ts";

type Deps = Pick<Web, "lab" | "sessions" | "shownTokens" | "cookies" | "showingOf" | "pageContext">;
type Settings = { headers: Record<string, unknown>; status?: number | string };

/**
 * The lab. What is done is done by `sessions.refresh`, as everywhere; only what becomes of the answer differs: it is
 * delivered, lost, or belongs to a thief. The acts are below `/auth`, the only place that the refresh token is sent to.
 */
export function labPages({ lab, sessions, shownTokens, cookies, showingOf, pageContext }: Deps) {
  const { diaries } = lab;

  /** The thief's token, if it is one of this session: one of an earlier session is of no use here. */
  async function stolenFrom(request: Request, sessionId: string) {
    const token = cookies.stolen(request);
    if (!token) return null;
    const copy = { token, ...(await lab.read(token)) };
    return copy.sessionId === sessionId ? copy : null;
  }

  /** Does it with the token that the browser holds, or the thief. */
  async function perform(act: LabAct, request: Request, showing: Showing, set: Settings, held: string) {
    const observe = diaries.observer(act);
    const refresh = (token: string) => sessions.refresh(token, showing, observe);
    const { sessionId, generation } = await lab.read(held);
    const isByCookie = act !== "expire" && act !== "steal" && act !== "copied";
    if (isByCookie && (await lab.isBound(sessionId)))
      return diaries.note(sessionId, act, generation, ["unproven"]);
    switch (act) {
      case "refresh":
        return cookies.setTokens(set, await refresh(held));
      case "tabs": {
        // The script sends five requests; without it there is one, which does what five would.
        const n = isHtmx(request) ? 1 : REQUESTS.tabs;
        const pairs = await Promise.all(Array.from({ length: n }, () => refresh(held)));
        return cookies.setTokens(set, pairs[0]!);
      }
      case "agents":
      case "late": {
        // One goes on at once, and uses what it gets; the others come later, with what they had before.
        const first = await refresh(held);
        await sessions.authenticate(first.accessToken, { ...showing, scheme: "cookie" });
        for (let n = 1; n < REQUESTS[act]; n++) await refresh(held);
        return cookies.setTokens(set, first);
      }
      case "lose":
        // Rotated and signed, and the browser is told nothing of it.
        await refresh(held);
        return;
      case "copied": {
        // Another browser has the cookie, and nothing else of this one.
        const { refreshToken } = await refresh(held);
        return cookies.setStolen(set, refreshToken);
      }
      case "expire":
        await diaries.note(sessionId, act, generation);
        return cookies.expireAccess(set);
      case "steal":
        await diaries.note(sessionId, act, generation);
        return cookies.setStolen(set, held);
      case "replay": {
        const copy = await stolenFrom(request, sessionId);
        if (!copy) return diaries.note(sessionId, "nothingStolen", generation);
        // What the thief gets stays with the thief, who uses it at once.
        const { accessToken, refreshToken } = await refresh(copy.token);
        await sessions.authenticate(accessToken, { ...showing, scheme: "cookie" });
        return cookies.setStolen(set, refreshToken);
      }
    }
  }

  return new Elysia({ name: "web/lab" })
    .use(pages)
    .use(formBodies)
    .post(
      "/auth/lab/:act",
      async ({ request, server, params, query, set, redirect }) => {
        const act = LAB_ACTS.find((each) => each === params.act);
        const held = await shownTokens.ourRefreshToken(cookies.refreshTokens(request));
        if (!held) throw new DuetError("token_missing");
        if (!act) throw new DuetError("not_found");
        const { sessionId, generation } = await lab.read(held);
        const diary = await diaries.of(sessionId);
        const last = diary.entries.at(-1);
        let end: SessionEnd | undefined;
        try {
          await perform(act, request, showingOf({ request, server }), set, held);
        } catch (error) {
          if (!(error instanceof DuetError)) throw error;
          end = error.details.end;
          if (!end && error.code !== "key_missing") throw error;
          const copy = act === "replay" ? await stolenFrom(request, sessionId) : null;
          const shown = copy?.generation ?? generation;
          if (end && diary.entries.at(-1) === last) await diaries.note(sessionId, act, shown, ["ended"]);
        }
        if (!isHtmx(request)) return redirect("/lab", 303);
        const page = pageContext(request, null);
        const told = { page, diary, now: lab.now(), settings: lab.settings, end };
        return <LabParts {...told} width={widthOf(query)} />;
      },
      { query: sized },
    )
    .use(cookieViewer({ sessions, cookies, showingOf }))
    .get(
      "/lab",
      async ({ request, viewer, query }) => {
        const page = pageContext(request, viewer);
        const state = await lab.inspect(viewer, cookies.accessToken(request)!);
        const View = isHtmx(request) ? LabParts : LabPage;
        return <View page={page} {...state} tokens={state} width={widthOf(query)} />;
      },
      { query: sized },
    );
}

/** The page's script says how wide its picture is. */
const sized = t.Object({ width: t.Optional(t.String()) });

const widthOf = ({ width }: { width?: string | undefined }): number | undefined =>
  width && /^\d{1,4}$/.test(width) ? Math.max(Number(width), 280) : undefined;
