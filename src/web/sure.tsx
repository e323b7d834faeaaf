import { refererOf } from "./next.ts";
import { isHtmx } from "./page.ts";
import type { PageContext } from "./context.ts";
import { SurePage } from "./sure.view.tsx";

/**
 * What cannot be undone is asked for first: by the page's script in a dialog, and where there is none on a page of its own, which
 * this makes. Null for whoever has been asked.
 */
export const unsure = (request: Request, body: unknown, page: PageContext, question: string, yes: string) =>
  isHtmx(request) || isAnswered(body) ? null : (
    <SurePage
      page={page}
      question={question}
      yes={yes}
      action={new URL(request.url).pathname}
      back={refererOf(request)}
    />
  );

const isAnswered = (body: unknown) =>
  typeof body === "object" && body !== null && "sure" in body && body.sure === "yes";
