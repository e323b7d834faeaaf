import type { Diary, Entry } from "../core/auth/diary.ts";
import { Code } from "./code.view.tsx";
import type { PageContext } from "./layout.view.tsx";
import type { Place } from "./shown.ts";

type CurlProps = { page: PageContext; place: Place; diary: Diary };

/** What went over the wire in the last act, as a command: the token is a variable, by the generation that it was. */
export const Curl = ({ page, place, diary }: CurlProps) => {
  const { lab: t } = page.t;
  const act = diary.entries.findLast(({ what }) => !what.startsWith("used") && what !== "nothingStolen");
  return (
    <div class="exchange" aria-label={t.exchange} role="group">
      {act ? (
        <Code page={page} text={commandOf(act, page.origin, place)} />
      ) : (
        <p class="muted small">{t.exchangeHint}</p>
      )}
    </div>
  );
};

/** The request that an act is, and what came back. A guest's page refreshes by itself, and answers each act with the page. */
function commandOf({ what, generation, newest, decisions }: Entry, origin: string, place: Place): string {
  const isGuest = place.kind === "guest";
  const cookie = `-b "${place.cookie}=$REFRESH_${generation}"`;
  const send = `curl -si -X POST ${origin}${place.refresh} -H 'Origin: ${origin}' ${cookie}`;
  const [first] = decisions;
  const isRefused = ["reuse", "ended", "unproven", "unknown"].includes(first ?? "");
  const says = isRefused ? `${isGuest ? 303 : 401} (${first})` : `$REFRESH_${newest} (${first})`;
  switch (what) {
    case "expire":
      return isGuest
        ? `curl -si ${origin}${place.path} ${cookie} # 200: refreshed on the way`
        : `curl -si ${origin}${place.path} -H 'Accept: text/html' # 303: /auth/refresh`;
    case "steal":
      return `STOLEN=$REFRESH_${generation} # the thief keeps a copy`;
    case "tabs":
    case "agents":
    case "late":
      return `for i in $(seq ${decisions.length}); do ${send} & done; wait # ${says}`;
    default:
      return `${send} # ${says}`;
  }
}

/** The run as an address that plays it back, for whoever opens it. */
export const Share = ({ page, run }: { page: PageContext; run: string | null }) => {
  const { lab: t } = page.t;
  if (run === null) return <></>;
  const path = `/lab/run/${run}`;
  return (
    <p class="share">
      <a href={path}>{t.share}</a>
      <span class="visually-hidden">{page.origin + path}</span>
      <button class="quiet" type="button" data-copy="" data-copied={page.t.conversation.copied}>
        {t.copyLink}
      </button>
    </p>
  );
};
