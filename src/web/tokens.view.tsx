import type { Diary } from "../core/auth/diary.ts";
import type { Inspected } from "../core/auth/lab.ts";
import { Time, type PageContext } from "./layout.view.tsx";

/** Both tokens as the browser has them, and what the server has made since. */
export type Tokens = Pick<Inspected, "access" | "refresh" | "held" | "newest">;

/** Where the browser is behind the server: an answer was lost, or is a thief's. */
export const Holds = ({ page, tokens, diary }: { page: PageContext; tokens: Tokens; diary: Diary }) => {
  const { lab: t } = page.t;
  const { held, newest } = tokens;
  const made = diary.entries.find((entry) => entry.newest === newest && entry.decisions.includes("newest"));
  if (held === newest) return <>{t.holds(held)}</>;
  return (
    <>
      {made?.what === "replay" || made?.what === "copied"
        ? t.holdsOlderThanThief(held, newest)
        : t.holdsOlder(held, newest)}
    </>
  );
};

export const BothTokens = ({ page, tokens }: { page: PageContext; tokens: Tokens }) => {
  const { lab: t } = page.t;
  return (
    <>
      <Token page={page} title={t.access} note={t.accessNote} token={tokens.access} />
      <Token page={page} title={t.refresh} note={t.refreshNote} token={tokens.refresh} />
    </>
  );
};

type TokenProps = {
  page: PageContext;
  title: string;
  note: string;
  token: { header: object; claims: object & { exp?: number } };
};

const Token = ({ page, title, note, token }: TokenProps) => {
  const { lab: t } = page.t;
  const expiresAt = token.claims.exp! * 1000;
  return (
    <section class="panel token" aria-label={title}>
      <h2>{title}</h2>
      <p
        class="countdown"
        data-expires={String(expiresAt)}
        data-left={t.left.text}
        data-day={t.left.day}
        data-over={t.over}
        data-ended={t.ended}
      >
        <noscript>{t.until}</noscript> <Time at={expiresAt} />
      </p>
      <p class="muted small">{note}</p>
      <h3>{t.header}</h3>
      <Members page={page} of={token.header} />
      <h3>{t.claims}</h3>
      <Members page={page} of={token.claims} />
    </section>
  );
};

/** Name, value and meaning of each member of a token's part. */
const Members = ({ page, of }: { page: PageContext; of: object }) => {
  const { meanings: all, guestSub } = page.t.lab;
  const meanings: Record<string, string> = page.viewer ? all : { ...all, sub: guestSub };
  return (
    <dl class="members">
      {Object.entries(of).map(([name, value]) => (
        <div>
          <dt>
            <code>{name}</code>
          </dt>
          <dd>
            <code>{JSON.stringify(value)}</code>
            <span class="muted small">
              {" "}
              {meanings[name]}
              {(name === "iat" || name === "exp" || name === "auth_time") && (
                <>
                  {" "}
                  <Time at={Number(value) * 1000} isPrecise />
                </>
              )}
            </span>
          </dd>
        </div>
      ))}
    </dl>
  );
};
