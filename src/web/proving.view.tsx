import { PresentPassword } from "./passwords.view.tsx";
import type { Asked } from "../errors.ts";
import { Field, FormError, type FormState } from "./form.view.tsx";
import type { PageContext } from "./layout.view.tsx";

type ProvingProps = { page: PageContext; asked: Asked; form: FormState };

/** What answers a challenge, inside a form: a code, a passkey or the password, whatever would do. */
export const Proving = ({ page, asked, form }: ProvingProps) => {
  const { second: t, passkey } = page.t.factors;
  const can = (kind: Asked["factors"][number]) => asked.factors.includes(kind);
  return (
    <>
      <FormError message={form.general} />
      <input type="hidden" name="challenge" value={asked.challenge} />
      {can("passkey") && (
        <PasskeyButton page={page} label={passkey.use} options={JSON.stringify(asked.passkeyOptions)} />
      )}
      {(can("totp") || can("recovery_code")) && (
        <Field
          name="code"
          label={can("totp") ? t.code : t.recoveryCode}
          hint={hintOf(page, asked)}
          error={form.errors["code"]}
        >
          {({ id, name, invalid }) => (
            <input
              {...{ id, name, ...invalid }}
              autocomplete="one-time-code"
              autocapitalize="characters"
              spellcheck="false"
              required
              autofocus={!can("passkey")}
            />
          )}
        </Field>
      )}
      {can("password") && (
        <>
          <input type="hidden" name="username" autocomplete="username" value={page.viewer?.username} />
          <PresentPassword
            id="proof-password"
            label={page.t.account.currentPassword}
            error={form.errors["password"]}
            autofocus
          />
        </>
      )}
    </>
  );
};

function hintOf(page: PageContext, { factors }: Asked): string {
  const { second: t } = page.t.factors;
  if (!factors.includes("totp")) return t.recoveryHint;
  return factors.includes("recovery_code") ? t.codeHint : t.codeOnlyHint;
}

type PasskeyButtonProps = {
  page: PageContext;
  label: string;
  /** What the browser is asked by, or the route that answers it with a challenge. */
  options?: string;
  optionsFrom?: string;
  /** Makes one. */
  makes?: boolean;
};

/** A passkey in the place of what else the form asks for; the script puts it there (client/passkeys.ts). */
export const PasskeyButton = ({ page, label, options, optionsFrom, makes }: PasskeyButtonProps) => {
  const { passkey: t } = page.t.factors;
  return (
    <div class="passkey">
      {!options && <input type="hidden" name="challenge" />}
      <input type="hidden" name="passkey" />
      <p class="error" role="alert" hidden data-passkey-failed={t.failed} data-held={t.held} />
      <button
        class="secondary"
        type="button"
        data-passkey={makes ? "create" : "get"}
        data-options={options}
        data-options-from={optionsFrom}
      >
        {label}
      </button>
      <noscript>
        <p class="muted small">{t.needsScript}</p>
      </noscript>
      <p class="muted small no-passkeys">{t.unsupported}</p>
    </div>
  );
};
