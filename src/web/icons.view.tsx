import { raw } from "#html";
import add from "lucide-static/icons/plus.svg" with { type: "text" };
import back from "lucide-static/icons/arrow-left.svg" with { type: "text" };
import newer from "lucide-static/icons/arrow-down.svg" with { type: "text" };
import computer from "lucide-static/icons/monitor.svg" with { type: "text" };
import edit from "lucide-static/icons/pencil.svg" with { type: "text" };
import key from "lucide-static/icons/key-round.svg" with { type: "text" };
import leave from "lucide-static/icons/log-out.svg" with { type: "text" };
import more from "lucide-static/icons/ellipsis.svg" with { type: "text" };
import people from "lucide-static/icons/users.svg" with { type: "text" };
import person from "lucide-static/icons/circle-user.svg" with { type: "text" };
import phone from "lucide-static/icons/smartphone.svg" with { type: "text" };
import remove from "lucide-static/icons/trash-2.svg" with { type: "text" };
import search from "lucide-static/icons/search.svg" with { type: "text" };
import send from "lucide-static/icons/send-horizontal.svg" with { type: "text" };
import take from "lucide-static/icons/x.svg" with { type: "text" };

const ICONS = {
  add,
  back,
  computer,
  edit,
  key,
  leave,
  more,
  newer,
  people,
  person,
  phone,
  remove,
  search,
  send,
  take,
};

export type IconName = keyof typeof ICONS;

/** Each drawn once on a page, where what uses it looks for it: a thread has a hundred. */
export const IconSymbols = () =>
  raw(
    `<svg hidden>${Object.entries(ICONS)
      .map(([name, svg]) => `<symbol id="i-${name}" viewBox="0 0 24 24">${shapesOf(svg)}</symbol>`)
      .join("")}</svg>`,
  );

const shapesOf = (svg: string) => /<svg[^>]*>([^]*)<\/svg>/.exec(svg)![1]!.replaceAll(/\s+/g, " ").trim();

const used = new Map(
  Object.keys(ICONS).map((name) => [
    name,
    raw(`<svg class="icon" aria-hidden="true" focusable="false"><use href="#i-${name}"/></svg>`),
  ]),
);

/** Drawn for the eye only: what it stands beside, or its control's label, says the same in words. */
export const Icon = ({ name }: { name: IconName }) => used.get(name)!;
