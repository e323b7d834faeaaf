import { Elysia } from "elysia";
import { isId } from "../core/ids.ts";
import { DuetError } from "../errors.ts";
import type { Sessions } from "../core/auth/sessions.ts";
import type { Cookies } from "./cookies.ts";

/** For routes of programs: `viewer` from `Authorization: Bearer`, checked before the input is looked at. */
export const bearerViewer = (sessions: Sessions) =>
  new Elysia({ name: "bearer" }).derive({ as: "scoped" }, async ({ request, params }) => {
    const viewer = await sessions.authenticate(bearerToken(request));
    refuseStrangeIds(params);
    return { viewer };
  });

/**
 * For pages of people: `viewer` from the access cookie. A refusal becomes a refresh or a sign-in in web/problem.
 * The page's script says whose page it is: what one person typed is not sent in the name of another who has signed
 * in in the same browser since (`viewer_changed`).
 */
export const cookieViewer = (sessions: Sessions, cookies: Cookies) =>
  new Elysia({ name: "cookie" }).derive({ as: "scoped" }, async ({ request, params }) => {
    const viewer = await sessions.authenticate(cookies.accessToken(request));
    const expected = request.headers.get("duet-viewer");
    if (expected !== null && expected !== viewer.userId) throw new DuetError("viewer_changed");
    refuseStrangeIds(params);
    return { viewer };
  });

/** Whatever stands in the path of what is the viewer's is an id; what is none names nothing. Error code: `not_found`. */
function refuseStrangeIds(params: Record<string, string | undefined> | undefined): void {
  // Elysia leaves it out where a path has none, whatever its types say.
  if (!Object.values(params ?? {}).every((value) => isId(value ?? ""))) throw new DuetError("not_found");
}

/**
 * RFC 6750 section 2.1 and RFC 9110 section 11.4: the scheme, one or more spaces, one token. undefined without the header
 * or with another scheme, which carries no token of this one; a malformed token is `token_invalid`.
 */
export function bearerToken(request: Request): string | undefined {
  const header = request.headers.get("authorization");
  if (header === null || !/^Bearer(?: |$)/i.test(header)) return undefined;
  // What else may be wrong with it is seen by whoever verifies it, if it was not verified before.
  const token = header.slice("Bearer".length).trimStart();
  if (!token) throw new DuetError("token_invalid");
  return token;
}

/** The same for signing out, which takes any text: never throws. */
export const presentedToken = (request: Request): string | undefined =>
  request.headers.get("authorization")?.replace(/^Bearer +/i, "");
