import { Elysia, type AnyElysia } from "elysia";
import type { Metrics } from "../core/metrics.ts";
import { accountPages } from "./account.tsx";
import { adminPages } from "./admin.tsx";
import { arrivalPages, createArrivals } from "./arrivals.tsx";
import { deviceRoutes } from "./dbsc.ts";
import { conversationPages } from "./conversations.tsx";
import { labGuestPages } from "./lab-guest.tsx";
import { labRunPages } from "./lab-run.tsx";
import { labPages } from "./lab.tsx";
import { invitePages } from "./invites.tsx";
import { livePages } from "./live.tsx";
import { messagePages } from "./messages.tsx";
import { emailPages } from "./emails.tsx";
import { factorPages } from "./factors.tsx";
import { docsPages } from "./docs.tsx";
import { homePages } from "./home.tsx";
import type { Web } from "./page.ts";
import { proofPages } from "./proof.tsx";
import { secondStepPages } from "./second-step.tsx";
import { createWelcome } from "./welcome.ts";
import { verifyRoutes } from "./verify.ts";
import { resetPages } from "./reset.tsx";
import { searchPages } from "./search.tsx";
import { sessionPages } from "./sessions.tsx";
import { userPages } from "./users.tsx";

/** Everything for people. */
export function webPages(web: Web & { root: () => AnyElysia; metrics: Metrics }) {
  const arrivals = createArrivals();
  const welcome = createWelcome({ ...web, arrivals });
  return new Elysia({ name: "web" })
    .use(homePages(web))
    .use(docsPages(web))
    .use(userPages({ ...web, welcome }))
    .use(sessionPages({ ...web, welcome }))
    .use(secondStepPages({ ...web, welcome }))
    .use(proofPages(web))
    .use(verifyRoutes(web))
    .use(deviceRoutes(web))
    .use(arrivalPages({ ...web, arrivals }))
    .use(conversationPages(web))
    .use(invitePages(web))
    .use(messagePages(web))
    .use(searchPages(web))
    .use(livePages(web))
    .use(accountPages(web))
    .use(factorPages(web))
    .use(emailPages(web))
    .use(resetPages(web))
    .use(adminPages(web))
    .use(labGuestPages(web))
    .use(labRunPages(web))
    .use(labPages(web));
}
