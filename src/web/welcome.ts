import type { SignedIn } from "../core/auth/sign-ins.ts";
import type { Arrivals } from "./arrivals.tsx";
import { offerBinding } from "./dbsc.ts";
import { safeNext } from "./next.ts";
import { goOn, type Web } from "./page.ts";

type ResponseSettings = { headers: Record<string, unknown>; status?: number | string };

export type Welcome = ReturnType<typeof createWelcome>;

/** However somebody has signed in on a page: the cookies, the offer to bind them, and where to go on to. */
export const createWelcome =
  ({ cookies, bindings, arrivals }: Pick<Web, "cookies" | "bindings"> & { arrivals: Arrivals }) =>
  (
    request: Request,
    set: ResponseSettings,
    { user, issued }: SignedIn,
    to: { next?: string | undefined; dialog?: string | undefined },
  ): void => {
    cookies.setTokens(set, issued, { clearEnded: true });
    offerBinding(bindings, set, issued);
    if (!to.dialog) return goOn(request, set, arrivals.nextOf(request, issued, safeNext(to.next)));
    // The dialog over a page closes, and what waits for it goes on.
    set.headers["hx-trigger"] = JSON.stringify({ "duet:signed-in": { userId: user.id } });
    set.status = 204;
  };
