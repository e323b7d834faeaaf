import { raw, type Child } from "#html";
import { Icon, IconSymbols } from "./icons.view.tsx";
import { LOCALES, type Language, type Locale } from "../locales/index.ts";

/** What every page needs to know beside its own data. */
export type PageContext = {
  t: Locale;
  language: Language;
  /** Path and query of this page: where the language switch and a sign-in come back to. */
  path: string;
  viewer: { userId: string; username: string } | null;
  styleUrl: string;
  styleUrls: { lab: string };
  scriptUrl: string;
  iconUrl: string;
  touchIconUrl: string;
  manifestUrl: string;
  /** Name of the cookie by which the script sees that another tab has refreshed. */
  generationCookie: string;
  /** Where Duet is, for what is to be copied. */
  origin: string;
  /** Whether there is a mail server. */
  hasMail: boolean;
};

const symbols = <IconSymbols />;

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
        <meta name="theme-color" content="#ffffff" media="(prefers-color-scheme: light)" />
        <meta name="theme-color" content="#1b1b21" media="(prefers-color-scheme: dark)" />
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
        {symbols}
      </body>
    </html>
  </>
);

const Header = ({ page, isOnce }: Pick<LayoutProps, "page" | "isOnce">) => (
  <header class="bar">
    <a class="brand" href={page.viewer ? "/conversations" : "/"}>
      <Mark />
      <span>Duet</span>
    </a>
    <a class="quiet" href="/lab" aria-current={page.path.startsWith("/lab") ? "page" : undefined}>
      {page.t.lab.title}
    </a>
    {!isOnce && <LanguageSwitch page={page} />}
    {page.viewer ? (
      <form
        class="who"
        method="post"
        action="/auth/logout"
        data-sign-out=""
        data-unsent={page.t.confirmUnsent}
      >
        <a
          class="quiet who-name"
          href="/account"
          title={page.t.signedInAs(page.viewer.username)}
          aria-current={page.path.startsWith("/account") ? "page" : undefined}
        >
          <Icon name="person" />
          <span>{page.viewer.username}</span>
        </a>
        <button class="quiet" type="submit">
          {page.t.signOut}
        </button>
      </form>
    ) : (
      <nav class="who">
        <a class="quiet" href="/conversations">
          {page.t.signIn.title}
        </a>
      </nav>
    )}
  </header>
);

const LanguageSwitch = ({ page }: { page: PageContext }) => (
  <form class="languages" method="post" action="/language" aria-label={page.t.language}>
    <input type="hidden" name="next" value={page.path} />
    {Object.entries(LOCALES).map(([code, locale]) => (
      <button
        class="quiet"
        type="submit"
        name="language"
        value={code}
        lang={locale.htmlLang}
        aria-pressed={code === page.language ? "true" : "false"}
      >
        {locale.name}
      </button>
    ))}
  </form>
);

/** Two circles, one over the other: the long token and the short one. */
const Mark = () => (
  <svg class="mark" viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
    <circle class="mark-long" cx="12.5" cy="16" r="9.5" />
    <circle class="mark-short" cx="21.5" cy="16" r="7" />
  </svg>
);

/**
 * A moment: exact for machines, in UTC for people until the script shows it in their own zone. `isPrecise` where
 * seconds matter, `isOfDay` in a list whose days the script marks.
 */
export const Time = ({ at, isPrecise, isOfDay }: { at: number; isPrecise?: boolean; isOfDay?: boolean }) => {
  const iso = new Date(at).toISOString();
  return (
    <time datetime={iso} title={iso} data-precise={isPrecise && ""} data-of-day={isOfDay && ""}>
      {`${iso.slice(0, 10)} ${iso.slice(11, isPrecise ? 19 : 16)} UTC`}
    </time>
  );
};
