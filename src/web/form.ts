import { DuetError } from "../errors.ts";
import { headersOf } from "../http/problem.ts";
import { describe, describeField, LOCALES, type Language } from "../locales/index.ts";
import type { FormState } from "./form.view.tsx";

/** The form for a browser that keeps no cookies. */
export function formWithoutCookies(language: Language, set: { status?: number | string }): FormState {
  set.status = 400;
  return { values: {}, errors: {}, general: LOCALES[language].problem.noCookies };
}

/** Errors that belong beside one field although they are about the whole act. */
const FIELD_OF: Partial<Record<string, string>> = {
  username_taken: "username",
  email_taken: "email",
  code_invalid: "code",
};

/** Errors that a person mends in the form itself; any other is for the error page. */
const MENDABLE = new Set([
  "validation_failed",
  "invalid_credentials",
  "challenge_ended",
  "code_invalid",
  "passkey_invalid",
  "username_taken",
  "email_taken",
  "registration_closed",
  "too_busy",
  "rate_limited",
]);

/**
 * The form again with what is wrong, under the status and headers of the error; or the error itself where the form
 * cannot help.
 */
export function failedForm(
  error: unknown,
  language: Language,
  values: FormState["values"],
  set: { status?: number | string; headers: Record<string, unknown> },
): FormState {
  if (!(error instanceof DuetError) || !MENDABLE.has(error.code)) throw error;
  set.status = error.status;
  Object.assign(set.headers, headersOf(error));
  const words = describe(language, error).detail;
  const errors: FormState["errors"] = {};
  for (const field of error.details.fields ?? []) errors[field.field] = describeField(language, field);
  const field = FIELD_OF[error.code];
  if (field) errors[field] = words;
  const isExplained = Object.keys(errors).length > 0;
  return { values, errors, general: isExplained ? undefined : words };
}
