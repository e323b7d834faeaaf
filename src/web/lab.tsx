import { Elysia, t } from "elysia";
import { DuetError } from "../core/errors.ts";
import type { Lab } from "../core/lab.ts";
import type { Sessions } from "../core/sessions.ts";
import { cookieViewer } from "../http/auth.ts";
import { formBodies } from "../http/body.ts";
import type { Cookies } from "../http/cookies.ts";
import { deviceOf } from "../http/observe.ts";
import { Happened, LabPage, LabTokens, type Outcome, type RuleRow } from "./lab.view.tsx";
import { isHtmx, pages, type MakePage } from "./page.ts";

type Deps = { lab: Lab; sessions: Sessions; cookies: Cookies; makePage: MakePage };
type Settings = { headers: Record<string, unknown>; status?: number | string };

const ROWS = ["ended", "newest", "unconfirmed", "overlap", "reuse", "unknown"] as const satisfies RuleRow[];
const ACTS = ["refresh", "lose", "expire", "tabs", "steal", "replay", "nothingStolen"] as const;

/**
 * The lab. What is done is done by `sessions.refresh`, as everywhere; only what becomes of the answer differs: it is
 * delivered, lost, or belongs to a thief. The acts are below `/auth`, the only place that the refresh token is sent to.
 */
export function labPages({ lab, sessions, cookies, makePage }: Deps) {
  /** The end of an act: its outcome as a fragment for the script, or the page that says it. */
  function tell(request: Request, set: Settings, outcome: Outcome) {
    const page = makePage(request, null);
    if (isHtmx(request)) return <Happened page={page} outcome={outcome} />;
    set.status = 303;
    set.headers["location"] = `/lab?${new URLSearchParams({ act: outcome.act, rows: outcome.rows.join() })}`;
    return;
  }

  const rowOf = (decision: RuleRow | undefined): RuleRow[] => (decision ? [decision] : []);

  return new Elysia({ name: "web/lab" })
    .use(pages)
    .use(formBodies)
    .post("/auth/lab/:act", async ({ request, params, set }) => {
      const held = cookies.read(request).refreshToken;
      if (!held) throw new DuetError("token_missing");
      const refresh = (token: string | undefined) => sessions.refresh(token, deviceOf(request));
      switch (params.act) {
        case "refresh":
        case "tabs": {
          const grants = await Promise.all(
            Array.from({ length: params.act === "tabs" && !isHtmx(request) ? 5 : 1 }, () => refresh(held)),
          );
          cookies.grant(set, grants[0]!);
          return tell(request, set, {
            act: params.act,
            rows: grants.flatMap((grant) => rowOf(grant.decision)),
          });
        }
        case "lose": {
          // Rotated and signed, and the browser is told nothing of it.
          const { decision } = await refresh(held);
          return tell(request, set, { act: "lose", rows: rowOf(decision) });
        }
        case "expire":
          cookies.expireAccess(set);
          return tell(request, set, { act: "expire", rows: [] });
        case "steal":
          cookies.setStolen(set, held);
          return tell(request, set, { act: "steal", rows: [] });
        case "replay": {
          const copy = cookies.stolen(request);
          if (!copy) return tell(request, set, { act: "nothingStolen", rows: [] });
          try {
            // What the thief gets stays with the thief, who uses it at once.
            const grant = await refresh(copy);
            await sessions.authenticate(grant.accessToken);
            return tell(request, set, { act: "replay", rows: rowOf(grant.decision) });
          } catch (error) {
            if (!(error instanceof DuetError) || error.status !== 401) throw error;
            const row = error.details.end?.reason === "reuse_detected" ? "reuse" : "ended";
            return tell(request, set, { act: "replay", rows: [row] });
          }
        }
        default:
          throw new DuetError("not_found");
      }
    })
    .use(cookieViewer(sessions, cookies))
    .get(
      "/lab",
      async ({ request, viewer, query }) => {
        const page = makePage(request, viewer);
        const state = await lab.inspect(viewer, cookies.read(request).accessToken!);
        if (isHtmx(request)) return <LabTokens page={page} state={state} />;
        const act = ACTS.find((each) => each === query.act);
        const shown = new Set(query.rows?.split(","));
        const rows = ROWS.filter((row) => shown.has(row));
        return <LabPage page={page} state={state} outcome={act && { act, rows }} />;
      },
      { query: t.Object({ act: t.Optional(t.String()), rows: t.Optional(t.String()) }) },
    );
}
