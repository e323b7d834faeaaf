import { raw, type Child } from "#html";
import type { PageContext } from "./context.ts";
import { Header } from "./header.view.tsx";
import { IconSymbols } from "./icons.view.tsx";

export type { PageContext } from "./context.ts";

const symbols = <IconSymbols />;

/** `--surface` of app.css, for what the browser itself draws around a page. */
const BAR_COLOURS = { light: "#ffffff", dark: "#1b1b21" };

type LayoutProps = {
  page: PageContext;
  title: string;
  className?: string;
  dialog?: Child;
  /** For a page that updates by itself: from where on, and which conversation it shows. */
  live?: { place: string; conversationId?: string | undefined };
  /** More style than all pages have. */
  style?: keyof PageContext["styleUrls"] | undefined;
  /** Of what the page is about, where that is not Duet as a whole. */
  description?: string | undefined;
  /** For whoever is shown a link to it elsewhere (Open Graph): the address of a picture. */
  picture?: string | undefined;
  /** For what is shown once, or is gone with the page: no switch that leads away from it. */
  isOnce?: boolean | undefined;
  children?: Child;
};

export const Layout = ({
  page,
  title,
  className,
  dialog,
  live,
  isOnce,
  style,
  description = page.t.home.lead,
  picture,
  children,
}: LayoutProps) => (
  <>
    {raw("<!doctype html>")}
    <html
      lang={page.t.htmlLang}
      data-scheme={page.scheme}
      data-viewer={page.viewer?.userId}
      data-generation-cookie={page.viewer && page.generationCookie}
      data-place={live?.place}
      data-conversation={live?.conversationId}
    >
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover" />
        <meta name="color-scheme" content="light dark" />
        <meta name="description" content={description} />
        {picture !== undefined && (
          <>
            <meta property="og:title" content={title} />
            <meta property="og:description" content={description} />
            <meta property="og:image" content={picture} />
          </>
        )}
        <meta name="htmx-config" content='{"extensions":"duet","history":false}' />
        <title>{`${title} · Duet`}</title>
        {(["light", "dark"] as const).map(
          (scheme) =>
            (page.scheme ?? scheme) === scheme && (
              <meta
                name="theme-color"
                content={BAR_COLOURS[scheme]}
                media={page.scheme ? undefined : `(prefers-color-scheme: ${scheme})`}
              />
            ),
        )}
        <link rel="icon" href={page.iconUrl} type="image/svg+xml" />
        <link rel="apple-touch-icon" href={page.touchIconUrl} />
        <link rel="manifest" href={page.manifestUrl} />
        <link rel="stylesheet" href={page.styleUrl} />
        {style && <link rel="stylesheet" href={page.styleUrls[style]} />}
        {/* Not shown before its end is here, which a thread begins with, by browsers that know this. */}
        {live?.conversationId && <link rel="expect" href="#composer" blocking="render" />}
        <script src={page.scriptUrl} defer />
      </head>
      <body class={className}>
        <a class="skip" href="#main">
          {page.t.skipToContent}
        </a>
        <Header page={page} isOnce={isOnce} />
        <main id="main" tabindex="-1">
          {children}
        </main>
        <div
          id="notice"
          class="notice"
          role="alert"
          data-offline={page.t.problem.offline}
          data-behind={page.t.problem.behind}
        />
        {dialog}
        {page.viewer && <Confirm page={page} />}
        {symbols}
      </body>
    </html>
  </>
);

/** What the page's script asks before what cannot be undone, in the words of the form that does it. */
const Confirm = ({ page }: { page: PageContext }) => (
  <dialog id="confirm" aria-labelledby="confirm-question">
    <form method="dialog">
      <p id="confirm-question" />
      <p class="actions">
        <button class="secondary" value="" autofocus>
          {page.t.conversation.cancel}
        </button>
        <button class="danger" value="yes" />
      </p>
    </form>
  </dialog>
);

/**
 * A moment: exact for machines, in UTC for people until the script shows it in their own zone. `isPrecise` where
 * seconds matter, `isOfDay` in a list whose days the script marks, `isShort` where there is little room.
 */
export const Time = ({
  at,
  isPrecise,
  isOfDay,
  isShort,
}: {
  at: number;
  isPrecise?: boolean;
  isOfDay?: boolean;
  isShort?: boolean;
}) => {
  const iso = new Date(at).toISOString();
  const [date, time] = [iso.slice(0, 10), `${iso.slice(11, isPrecise ? 19 : 16)} UTC`];
  const isToday = date === new Date().toISOString().slice(0, 10);
  return (
    <time datetime={iso} title={iso} data-precise={isPrecise && ""} data-of-day={isOfDay && ""}>
      {isShort ? (isToday ? time : date) : `${date} ${time}`}
    </time>
  );
};
