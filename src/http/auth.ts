import { Elysia } from "elysia";
import { isId } from "../core/ids.ts";
import { DuetError } from "../errors.ts";
import { isHeldBy } from "../core/auth/holders.ts";
import type { Proofs, Showing } from "../core/auth/proofs.ts";
import type { Sessions } from "../core/auth/sessions.ts";
import type { Viewer } from "../core/viewer.ts";
import type { Incoming } from "./connection.ts";
import type { Cookies } from "./cookies.ts";

export type Guard = {
  sessions: Sessions;
  proofs: Proofs;
  showingOf: (incoming: Incoming, scheme: Showing["scheme"]) => Showing;
};

/**
 * For routes of programs: `viewer` from `Authorization: Bearer` or `DPoP` (RFC 9449 section 7.1), checked before the input
 * is looked at.
 */
export const bearerViewer = (guard: Guard) =>
  new Elysia({ name: "bearer" }).derive({ as: "scoped" }, async ({ request, server, params, set }) => {
    const viewer = await viewerOf(guard, { request, server });
    if (isHeldBy(viewer)) set.headers["dpop-nonce"] = guard.proofs.nonce();
    refuseStrangeIds(params);
    return { viewer };
  });

/** The viewer by the header `Authorization`. Error codes: as `Sessions.authenticate`. */
export async function viewerOf({ sessions, showingOf }: Guard, incoming: Incoming): Promise<Viewer> {
  const { scheme, token } = authorizationOf(incoming.request);
  try {
    return await sessions.authenticate(token, showingOf(incoming, scheme));
  } catch (error) {
    if (!(error instanceof DuetError)) throw error;
    const asksForProof = scheme === "DPoP" || error.code === "invalid_dpop_proof";
    throw asksForProof ? new DuetError(error.code, { ...error.details, scheme: "DPoP" }) : error;
  }
}

/**
 * For pages of people: `viewer` from the access cookie. A refusal becomes a refresh or a sign-in in web/problem.
 * The page's script says whose page it is: what one person typed is not sent in the name of another who has signed
 * in in the same browser since (`viewer_changed`).
 */
export const cookieViewer = ({
  sessions,
  cookies,
  showingOf,
}: Omit<Guard, "proofs"> & { cookies: Cookies }) =>
  new Elysia({ name: "cookie" }).derive({ as: "scoped" }, async ({ request, server, params }) => {
    const showing = showingOf({ request, server }, "cookie");
    const viewer = await sessions.authenticate(cookies.accessToken(request), showing);
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
 * RFC 6750 section 2.1, RFC 9449 section 7.1 and RFC 9110 section 11.4: the scheme, one or more spaces, one token. No token
 * without the header or with another scheme, which carries none of ours; a malformed token is `token_invalid`.
 */
function authorizationOf(request: Request): { scheme: "Bearer" | "DPoP"; token: string | undefined } {
  const header = request.headers.get("authorization");
  const [, name] = (header !== null && /^(Bearer|DPoP)(?: |$)/i.exec(header)) || [];
  if (header === null || name === undefined) return { scheme: "Bearer", token: undefined };
  // What else may be wrong with it is seen by whoever verifies it, if it was not verified before.
  const token = header.slice(name.length).trimStart();
  if (!token) throw new DuetError("token_invalid");
  return { scheme: name.toLowerCase() === "dpop" ? "DPoP" : "Bearer", token };
}

/** The same for signing out, which takes any text: never throws. */
export const presentedToken = (request: Request): string | undefined =>
  request.headers.get("authorization")?.replace(/^(?:Bearer|DPoP) +/i, "");
