import { t } from "elysia";

/** Bounds live in core, which pages use too; here is only what text can be a number at all. */
export const pageQuery = { limit: t.Optional(t.String()) };

export const limitOf = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
