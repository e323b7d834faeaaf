import type { UserRow } from "../../store/users.ts";
import type { FieldError } from "../../errors.ts";
import { LIMITS } from "../../limits.ts";
import { readUsername } from "./usernames.ts";

export type User = { id: string; username: string; email: string | null };

/** What a password must not be made of. */
export const wordsOf = ({ username, email }: { username: string; email?: string | null | undefined }) =>
  [username, email ?? ""].filter((word) => word !== "");

export type Profile = Pick<UserRow, "username" | "username_key" | "email" | "email_key">;

/** Name and address as they are kept, with everything that is wrong with them; `forOperator` as in `readUsername`. */
export function readProfile(
  input: { username: string; email?: string | null | undefined },
  forOperator = false,
): {
  columns: Profile;
  shapes: string[];
  faults: FieldError[];
} {
  const faults: FieldError[] = [];
  // Telephones add a space after a word; no name and no address has one at its end.
  const username = readUsername(input.username.trim(), forOperator);
  if (typeof username === "string") faults.push({ field: "username", code: username, ...limitOf(username) });
  const email = input.email?.trim() ? readEmail(input.email.trim()) : null;
  if (typeof email === "string") faults.push({ field: "email", code: email });
  const name = typeof username === "string" ? { shown: "", key: "", shapes: [] } : username;
  const address = typeof email === "string" ? null : email;
  return {
    columns: {
      username: name.shown,
      username_key: name.key,
      email: address?.shown ?? null,
      email_key: address?.key ?? null,
    },
    shapes: name.shapes,
    faults,
  };
}

function limitOf(code: string): { limit?: number } {
  if (code === "too_short") return { limit: LIMITS.usernameCharsMin };
  return code === "too_long" ? { limit: LIMITS.usernameCharsMax } : {};
}

/** How an e-mail address is compared. */
export const emailKey = (email: string) => email.normalize("NFKC").toLowerCase();

/** Not proof that it is an address, only that it can be one, and never several; usernames never hold an `@`. */
function readEmail(input: string): { shown: string; key: string } | "ill_formed" | "too_long" | "invalid" {
  if (!input.isWellFormed()) return "ill_formed";
  if (input.length > LIMITS.emailCharsMax) return "too_long";
  // oxlint-disable-next-line no-control-regex -- control characters are what it keeps out
  return /^[^\s@<>()[\],;:"\\\x00-\x1f\x7f]+@[^\s@<>()[\],;:"\\\x00-\x1f\x7f]+\.[^\s@.<>()[\],;:"\\\x00-\x1f\x7f]+$/.test(
    input,
  )
    ? { shown: input, key: emailKey(input) }
    : "invalid";
}
