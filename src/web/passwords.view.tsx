import type { Weakness } from "../core/auth/passwords.ts";
import { describeField } from "../locales/index.ts";
import { Field, type FieldProps } from "./form.view.tsx";
import type { PageContext } from "./layout.view.tsx";

type NewPasswordProps = Omit<FieldProps, "children"> & {
  /** The route that answers a `Strength`. */
  ratedBy: string;
  autofocus?: boolean;
};

/** Where a password is chosen: how good it would be is told while it is typed. */
export const NewPassword = ({ ratedBy, autofocus, ...field }: NewPasswordProps) => (
  <>
    <Field {...field}>
      {({ id, name, invalid }) => (
        <input
          {...{ id, name, ...invalid }}
          type="password"
          autocomplete="new-password"
          required
          {...(autofocus && { autofocus })}
          hx-post={ratedBy}
          hx-trigger="input delay:250ms"
          hx-target="#strength"
          hx-sync="this:replace"
        />
      )}
    </Field>
    <div id="strength" aria-live="polite" />
  </>
);

type PresentPasswordProps = Pick<FieldProps, "label" | "error"> & { id: string; autofocus?: boolean };

/** Where somebody says once more what their password is; several forms of one page may ask for it, each under an id of its own. */
export const PresentPassword = ({ id, autofocus, ...field }: PresentPasswordProps) => (
  <Field name={id} {...field}>
    {({ invalid }) => (
      <input
        {...{ id, ...invalid }}
        name="password"
        type="password"
        autocomplete="current-password"
        required
        {...(autofocus && { autofocus })}
      />
    )}
  </Field>
);

type StrengthProps = { page: PageContext; password: string; score: number; weakness: Weakness | null };

/** How good the password would be; nothing of one that is not there yet. */
export const Strength = ({ page, password, score, weakness }: StrengthProps) => {
  if (password === "") return <></>;
  const { password: t } = page.t;
  return (
    <p class="strength small">
      <meter min="0" max="4" low="2" high="3" optimum="4" value={String(score)} aria-label={t.strength} />
      <span>{t.strengths[score]}</span>
      {weakness && (
        <span class="muted">{describeField(page.language, { field: "password", ...weakness })}</span>
      )}
    </p>
  );
};
