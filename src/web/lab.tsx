import { Elysia } from "elysia";
import { DuetError, type SessionEnd } from "../core/errors.ts";
import { LAB_ACTS, type Lab, type LabAct } from "../core/lab.ts";
import type { Sessions } from "../core/sessions.ts";
import { cookieViewer } from "../http/auth.ts";
import { formBodies } from "../http/body.ts";
import type { Cookies } from "../http/cookies.ts";
import { deviceOf } from "../http/observe.ts";
import { LabParts, LabPage } from "./lab.view.tsx";
import { isHtmx, pages, type MakePage } from "./page.ts";

type Deps = { lab: Lab; sessions: Sessions; cookies: Cookies; makePage: MakePage };
type Settings = { headers: Record<string, unknown>; status?: number | string };

/**
 * The lab. What is done is done by `sessions.refresh`, as everywhere; only what becomes of the answer differs: it is
 * delivered, lost, or belongs to a thief. The acts are below `/auth`, the only place that the refresh token is sent to.
 */
export function labPages({ lab, sessions, cookies, makePage }: Deps) {
  /** The thief's token, if it is one of this session: one of an earlier session is of no use here. */
  async function stolenFrom(request: Request, sessionId: string) {
    const token = cookies.stolen(request);
    if (!token) return null;
    const copy = { token, ...(await lab.read(token)) };
    return copy.sessionId === sessionId ? copy : null;
  }

  /** Does it with the token that the browser holds, or the thief. */
  async function perform(act: LabAct, request: Request, set: Settings, held: string) {
    const device = lab.by(act, deviceOf(request));
    const { sessionId, generation } = await lab.read(held);
    switch (act) {
      case "refresh":
        return cookies.grant(set, await sessions.refresh(held, device));
      case "tabs": {
        // The script sends five requests; without it there is one, which does what five would.
        const n = isHtmx(request) ? 1 : 5;
        const grants = await Promise.all(Array.from({ length: n }, () => sessions.refresh(held, device)));
        return cookies.grant(set, grants[0]!);
      }
      case "lose":
        // Rotated and signed, and the browser is told nothing of it.
        await sessions.refresh(held, device);
        return;
      case "expire":
        await lab.note(sessionId, act, generation);
        return cookies.expireAccess(set);
      case "steal":
        await lab.note(sessionId, act, generation);
        return cookies.setStolen(set, held);
      case "replay": {
        const copy = await stolenFrom(request, sessionId);
        if (!copy) return lab.note(sessionId, "nothingStolen", generation);
        // What the thief gets stays with the thief, who uses it at once.
        const { accessToken, refreshToken } = await sessions.refresh(copy.token, device);
        await sessions.authenticate(accessToken);
        return cookies.setStolen(set, refreshToken);
      }
    }
  }

  return new Elysia({ name: "web/lab" })
    .use(pages)
    .use(formBodies)
    .post("/auth/lab/:act", async ({ request, params, set, redirect }) => {
      const act = LAB_ACTS.find((each) => each === params.act);
      const held = cookies.read(request).refreshToken;
      if (!held) throw new DuetError("token_missing");
      if (!act) throw new DuetError("not_found");
      const { sessionId, generation } = await lab.read(held);
      const diary = await lab.diaryOf(sessionId);
      const last = diary.entries.at(-1);
      let end: SessionEnd | undefined;
      try {
        await perform(act, request, set, held);
      } catch (error) {
        end = error instanceof DuetError ? error.details.end : undefined;
        if (!end) throw error;
        const copy = act === "replay" ? await stolenFrom(request, sessionId) : null;
        const shown = copy?.generation ?? generation;
        if (diary.entries.at(-1) === last) await lab.note(sessionId, act, shown, ["ended"]);
      }
      if (!isHtmx(request)) return redirect("/lab", 303);
      const page = makePage(request, null);
      return <LabParts page={page} diary={diary} now={lab.now()} settings={lab.settings} end={end} />;
    })
    .use(cookieViewer(sessions, cookies))
    .get("/lab", async ({ request, viewer }) => {
      const page = makePage(request, viewer);
      const state = await lab.inspect(viewer, cookies.read(request).accessToken!);
      const View = isHtmx(request) ? LabParts : LabPage;
      return <View page={page} {...state} tokens={state} settings={lab.settings} />;
    });
}
