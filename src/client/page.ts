// The page that the script is on.
//
// DOM: <html lang data-viewer data-generation-cookie data-place data-conversation>, all but `lang` only where somebody
// is signed in, the last two only on pages that follow the event stream; #notice[data-offline][data-behind].

export const root = document.documentElement;

export const byId = <T extends HTMLElement = HTMLElement>(id: string): T | null =>
  document.getElementById(id) as T | null;

/** The id of whoever this page was made for; undefined for nobody. */
export const viewer = root.dataset["viewer"];

const notice = byId("notice")!;

/** Says something beside the content; an empty text takes it away. */
export const say = (text: string) => (notice.textContent = text);

export const sayOffline = () => say(notice.dataset["offline"]!);

/** Whether what happens elsewhere does not reach this page just now. */
export function sayBehind(isBehind: boolean) {
  const text = notice.dataset["behind"]!;
  if (isBehind) say(text);
  else if (notice.textContent === text) say("");
}

export const isVisible = () => !document.hidden;

export const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

declare global {
  interface DocumentEventMap {
    /** Somebody has signed in over the page; also named by the server in HX-Trigger. */
    "duet:signed-in": CustomEvent<{ userId: string }>;
    /** A page without the sign-in dialog is about to be left because its session is over; may be prevented. */
    "duet:session-ended": Event;
  }
}
