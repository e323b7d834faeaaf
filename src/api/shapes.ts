import { t } from "elysia";
import type { Grant } from "../core/sessions.ts";

/** What goes in and out of several routes. */

/** Bounds live in core, which pages use too; here is only what text can be a number at all. */
export const pageQuery = { limit: t.Optional(t.String()) };

export const limitOf = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;

/** RFC 6749 section 5.1; `no-store` is on every answer already. */
export const grantBody = (grant: Grant) => ({
  access_token: grant.accessToken,
  refresh_token: grant.refreshToken,
  token_type: "bearer",
  expires_in: grant.accessTtlSeconds,
  refresh_expires_in: grant.refreshTtlSeconds,
});

export const userBody = ({
  id,
  username,
  email,
}: {
  id: string;
  username: string;
  email: string | null;
}) => ({
  id,
  username,
  email,
});

/** RFC 3339. */
export const timeBody = (ms: number): string => new Date(ms).toISOString();
