import { Fragment, type Child, type Markup } from "#html";

/** What a form shows again after a refusal: the values (never a password) and what is wrong with each. */
export type FormState = {
  values: Record<string, string | undefined>;
  errors: Record<string, string | undefined>;
  /** What is wrong with the form as a whole. */
  general?: string | undefined;
};

export const emptyForm: FormState = { values: {}, errors: {} };

export type FieldProps = {
  name: string;
  label: string;
  hint?: string;
  error?: string | undefined;
  note?: string;
  children: (control: { id: string; name: string; invalid: Invalid }) => Markup;
};

type Invalid = {
  "aria-invalid": string | undefined;
  "aria-describedby": string | undefined;
  autofocus?: boolean;
};

/** A labelled control with its hint and, beside it, what is wrong with it. */
export const Field = ({ name, label, hint, error, note, children }: FieldProps) => {
  const described = [error && `${name}-error`, hint && `${name}-hint`].filter(Boolean).join(" ");
  // The first that is wrong has the focus: the page may be longer than the screen.
  const invalid: Invalid = {
    "aria-invalid": error && "true",
    "aria-describedby": described || undefined,
    ...(error && { autofocus: true }),
  };
  return (
    <div class="field">
      <label for={name}>
        {label}
        {note && <span class="muted">{note}</span>}
      </label>
      {children({ id: name, name, invalid })}
      {error && (
        <p class="error" id={`${name}-error`}>
          {error}
        </p>
      )}
      {hint && (
        <p class="hint" id={`${name}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
};

/** Where a form is posted to, with a key that nobody can guess: submitted twice, it is done once (http/once.ts). */
export const once = (url: string): string => `${url}?once=${crypto.randomUUID()}`;

/**
 * A form with passwords, which no page that shows it again may hold: where there is script only what is around it is
 * replaced, and the script keeps them (client/requests.ts). Its success is answered by `goOn`.
 */
export const inPlace = (url: string) => ({
  method: "post",
  action: once(url),
  "hx-post": url,
  "hx-target": "#main",
  "hx-select": "#main",
  "hx-swap": "outerHTML",
  "hx-sync": "this:drop",
});

type DialogFormProps = { url: string; submit: string; cancel: string; children: Child };

/** A form in a dialog over a page, which its answer replaces. */
export const DialogForm = ({ url, submit, cancel, children }: DialogFormProps) => (
  <form {...inPlace(url)} hx-target="this" hx-select={null}>
    {children}
    <input type="hidden" name="dialog" value="yes" />
    <p class="actions">
      <button type="submit">{submit}</button>
      <button class="secondary" type="button" data-close="">
        {cancel}
      </button>
    </p>
  </form>
);

/** What is wrong with a form as a whole. */
export const FormError = ({ message }: { message: string | undefined }) =>
  message ? (
    <p class="error banner" role="alert">
      {message}
    </p>
  ) : (
    <Fragment />
  );
