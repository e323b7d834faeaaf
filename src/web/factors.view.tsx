import { renderSVG } from "uqr";
import { raw } from "#html";
import { LIMITS } from "../limits.ts";
import type { Changed } from "../core/auth/own-factors.ts";
import { Field, FormError, inPlace, type FormState } from "./form.view.tsx";
import { Icon } from "./icons.view.tsx";
import { Layout, Time, type PageContext } from "./layout.view.tsx";
import { PasskeyButton } from "./proving.view.tsx";

/** What somebody has beside the password. */
export type HeldFactors = { items: Changed["factor"][]; recoveryCodesLeft: number };

/** The same, in one sentence. */
export function stateOf(page: PageContext, { items, recoveryCodesLeft: codes }: HeldFactors): string {
  const countOf = (kind: string) => items.filter((each) => each.kind === kind).length;
  return page.t.factors.state({ totp: countOf("totp"), passkeys: countOf("passkey"), codes });
}

const FEW_CODES = 3;

/** On the account page: what there is beside the password, and more of it. */
export const Factors = ({ page, held }: { page: PageContext; held: HeldFactors }) => {
  const { factors: t } = page.t;
  const codes = held.recoveryCodesLeft;
  return (
    <section class="panel" aria-labelledby="factors">
      <h2 id="factors">{t.title}</h2>
      <p>
        {stateOf(page, held)}
        {held.items.length > 0 && codes <= FEW_CODES && ` ${codes === 0 ? t.noCodes : t.fewCodes}`}
      </p>
      <ul class="rows">
        {held.items.map((factor) => (
          <FactorRow page={page} factor={factor} />
        ))}
      </ul>
      <div class="ways">
        <form {...inPlace("/account/factors/totp")}>
          <button class="secondary" type="submit">
            {t.addAuthenticator}
          </button>
        </form>
        <form class="with-name" {...inPlace("/account/passkeys")}>
          <Field name="name" label={t.passkeyName} note={page.t.register.optional}>
            {({ id, name }) => <input {...{ id, name }} maxlength={String(LIMITS.factorNameCharsMax)} />}
          </Field>
          <PasskeyButton page={page} label={t.addPasskey} optionsFrom="/account/passkeys/options" makes />
        </form>
        {held.items.length > 0 && (
          <form
            {...inPlace("/account/factors/recovery-codes")}
            data-confirm={codes > 0 ? t.confirmCodes : undefined}
          >
            <button class="secondary" type="submit">
              {t.makeCodes}
            </button>
          </form>
        )}
      </div>
      <p class="muted small">{t.note}</p>
    </section>
  );
};

const FactorRow = ({ page, factor }: { page: PageContext; factor: Changed["factor"] }) => {
  const { factors: t } = page.t;
  return (
    <li>
      <Icon name={factor.kind === "totp" ? "phone" : "key"} />
      <span class="row-main">
        <strong dir="auto">{factor.name}</strong>
        {factor.kind === "passkey" && factor.is_backed_up === 1 && <span class="tag">{t.synced}</span>}
        <span class="muted small">
          {factor.name !== t.kinds[factor.kind] && `${t.kinds[factor.kind]} · `}
          <Time at={factor.created_at} /> · {factor.last_used_at === null ? t.unused : t.used}{" "}
          {factor.last_used_at !== null && <Time at={factor.last_used_at} />}
        </span>
      </span>
      <form {...inPlace(`/account/factors/${factor.id}/remove`)} data-confirm={t.confirmRemove(factor.name)}>
        <button class="secondary" type="submit" aria-label={t.removeNamed(factor.name)}>
          {t.remove}
        </button>
      </form>
    </li>
  );
};

type SetupProps = {
  page: PageContext;
  setup: { id: string; secret: string; uri: string };
  form: FormState;
};

/** An authenticator app is shown the secret, and shows a first code. */
export const SetupPage = ({ page, setup, form }: SetupProps) => {
  const { setup: t } = page.t.factors;
  return (
    <Layout page={page} title={t.title} isOnce>
      <section class="card">
        <h1>{t.title}</h1>
        <p>{t.lead}</p>
        <div class="qr" role="img" aria-label={t.picture}>
          {raw(renderSVG(setup.uri, { border: 2 }))}
        </div>
        <p>
          <a href={setup.uri}>{t.open}</a>
        </p>
        <p class="small">
          {t.key}: <code>{setup.secret.replaceAll(/.{4}(?=.)/g, "$& ")}</code>
        </p>
        <form {...inPlace(`/account/factors/totp/${setup.id}/confirm`)}>
          <FormError message={form.general} />
          <Field name="code" label={t.code} error={form.errors["code"]}>
            {({ id, name, invalid }) => (
              <input
                {...{ id, name, ...invalid }}
                inputmode="numeric"
                autocomplete="one-time-code"
                required
                autofocus
              />
            )}
          </Field>
          <p class="actions">
            <button type="submit">{t.submit}</button>
            <a class="button secondary" href="/account">
              {t.cancel}
            </a>
          </p>
        </form>
      </section>
    </Layout>
  );
};

/** Shown this once. */
export const CodesPage = ({ page, codes }: { page: PageContext; codes: string[] }) => {
  const { codes: t } = page.t.factors;
  return (
    <Layout page={page} title={t.title} isOnce>
      <section class="card">
        <h1 tabindex="-1" {...{ autofocus: true }}>
          {t.title}
        </h1>
        <p>{t.lead}</p>
        <ol class="recovery">
          {codes.map((code) => (
            <li>
              <code>{code}</code>
            </li>
          ))}
        </ol>
        <p class="muted small">
          Duet · {page.viewer?.username} · {new Date().toISOString().slice(0, 10)}
        </p>
        <p class="actions">
          <a class="button" href="/account?done=added">
            {t.goOn}
          </a>
        </p>
      </section>
    </Layout>
  );
};
