import { LOCALES } from "../locales/index.ts";
import type { PageContext } from "./context.ts";
import { Icon } from "./icons.view.tsx";

type HeaderProps = {
  page: PageContext;
  /** For what is shown once: no switch that leads away from it. */
  isOnce?: boolean | undefined;
};

/** What every page has above it. */
export const Header = ({ page, isOnce }: HeaderProps) => (
  <header class="bar">
    <a class="brand" href={page.viewer ? "/conversations" : "/"}>
      <Mark />
      <span>Duet</span>
    </a>
    <a class="quiet" href="/lab" aria-current={page.path.startsWith("/lab") ? "page" : undefined}>
      {page.t.lab.title}
    </a>
    {!page.viewer && (
      <nav class="who">
        <a class="quiet" href="/conversations">
          {page.t.signIn.title}
        </a>
      </nav>
    )}
    <Menu page={page} isOnce={isOnce} />
  </header>
);

/** Who is signed in, and how the pages are to be; signing out last, away from the thumb. */
const Menu = ({ page, isOnce }: HeaderProps) => {
  const { t, viewer } = page;
  if (isOnce && !viewer) return <></>;
  return (
    <details class="menu" id="me">
      <summary class="quiet who-name" aria-label={viewer ? t.signedInAs(viewer.username) : t.menu.name}>
        <Icon name={viewer ? "person" : "more"} />
        {viewer && <span>{viewer.username}</span>}
      </summary>
      <div class="popover me">
        {viewer && (
          <a
            class="quiet"
            href="/account"
            aria-current={page.path.startsWith("/account") ? "page" : undefined}
          >
            {t.account.title}
          </a>
        )}
        {!isOnce && <LanguageSwitch page={page} />}
        {!isOnce && <SchemeSwitch page={page} />}
        {viewer && (
          <button
            class="quiet"
            type="button"
            data-notify=""
            data-on={t.menu.notify}
            data-off={t.menu.notifyOff}
            data-denied={t.menu.notifyDenied}
            hidden
          />
        )}
        {viewer && (
          <form method="post" action="/auth/logout" data-sign-out="" data-unsent={t.confirmUnsent}>
            <button class="quiet" type="submit">
              <Icon name="leave" /> {t.signOut}
            </button>
          </form>
        )}
      </div>
    </details>
  );
};

const LanguageSwitch = ({ page }: { page: PageContext }) => (
  <form class="choice" method="post" action="/language" aria-label={page.t.language}>
    <input type="hidden" name="next" value={page.path} />
    <span aria-hidden="true">{page.t.language}</span>
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

const SchemeSwitch = ({ page }: { page: PageContext }) => {
  const { scheme, schemes } = page.t.menu;
  return (
    <form class="choice" method="post" action="/scheme" aria-label={scheme}>
      <input type="hidden" name="next" value={page.path} />
      <span aria-hidden="true">{scheme}</span>
      {(["system", "light", "dark"] as const).map((each) => (
        <button
          class="quiet"
          type="submit"
          name="scheme"
          value={each}
          aria-pressed={each === (page.scheme ?? "system") ? "true" : "false"}
        >
          {schemes[each]}
        </button>
      ))}
    </form>
  );
};

/** Two circles, one over the other: the long token and the short one. */
const Mark = () => (
  <svg class="mark" viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
    <circle class="mark-long" cx="12.5" cy="16" r="9.5" />
    <circle class="mark-short" cx="21.5" cy="16" r="7" />
  </svg>
);
