import { Html } from "@elysiajs/html";

/**
 * JSX that escapes by default. Text is escaped, only `Markup` made here is markup, `raw` is the one door for text
 * that is trusted. What a content security policy would refuse anyway (inline handlers, styles and scripts) and
 * URLs that run code throw, so that they are found before they are served.
 */
export class Markup {
  constructor(readonly html: string) {}
  toString(): string {
    return this.html;
  }
}

/** The one door. The caller vouches for every character. */
export const raw = (trusted: string): Markup => new Markup(trusted);

export type Child = Markup | string | number | bigint | boolean | null | undefined | Child[];
type Props = Record<string, unknown> & { children?: Child };

export function jsx(type: string | ((props: Props) => Markup), props: Props): Markup {
  if (typeof type === "function") return type(props);
  if (kindOf(type) !== "text" && !NAME.test(type)) throw new TypeError(`<${type}> is not a tag`);
  const open = `<${type}${renderAttributes(props)}>`;
  if (VOID_TAGS.has(type)) return new Markup(open);
  if (RAW_TEXT_TAGS.has(type) && props.children !== undefined)
    throw new TypeError(`<${type}> must not have text`);
  return new Markup(`${open}${renderChild(props.children)}</${type}>`);
}

export { jsx as jsxs, jsx as jsxDEV };

export const Fragment = ({ children }: { children?: Child }): Markup => new Markup(renderChild(children));

const NAME = /^[a-zA-Z][a-zA-Z0-9:._-]*$/;
const FORBIDDEN_ATTRIBUTE = /^(?:on|(?:data-)?hx-on)|^(?:style|srcdoc)$/i;
const URL_ATTRIBUTE =
  /^(?:href|src|action|formaction|poster|data|(?:data-)?hx-(?:get|post|put|patch|delete|action|push-url|replace-url))$/i;
const VOID_TAGS = new Set("area base br col embed hr img input link meta source track wbr".split(" "));
const RAW_TEXT_TAGS = new Set(["script", "style"]);

function renderChild(child: unknown): string {
  if (typeof child === "string") return Html.escapeHtml(child);
  if (child instanceof Markup) return child.html;
  if (child === null || child === undefined || typeof child === "boolean") return "";
  if (Array.isArray(child)) {
    // Added, not joined: what is added is put together once, when the page is sent, and not again at each level.
    let text = "";
    for (const each of child) text += renderChild(each);
    return text;
  }
  if (typeof child === "number" || typeof child === "bigint") return String(child);
  throw new TypeError(`a JSX child must be text or markup, not ${Object.prototype.toString.call(child)}`);
}

type AttributeKind = "none" | "text" | "url" | "forbidden";

/** Each name is looked at once. Names come from our own source, so there are not many. */
const kinds = new Map<string, AttributeKind>([
  ["children", "none"],
  ["key", "none"],
]);

function kindOf(name: string): AttributeKind {
  const known = kinds.get(name);
  if (known) return known;
  const isAllowed = NAME.test(name) && !FORBIDDEN_ATTRIBUTE.test(name);
  const kind = !isAllowed ? "forbidden" : URL_ATTRIBUTE.test(name) ? "url" : "text";
  kinds.set(name, kind);
  return kind;
}

function renderAttributes(props: Props): string {
  let text = "";
  for (const name in props) {
    const value = props[name];
    if (value === null || value === undefined || value === false) continue;
    const kind = kindOf(name);
    if (kind === "none") continue;
    if (kind === "forbidden") throw new TypeError(`attribute "${name}" is not allowed`);
    if (value === true) {
      text += ` ${name}`;
      continue;
    }
    if (typeof value !== "string" && typeof value !== "number")
      throw new TypeError(`attribute "${name}" must be text`);
    const string = String(value);
    if (kind === "url") refuseUnsafeUrl(name, string);
    text += ` ${name}="${Html.escapeHtml(string)}"`;
  }
  return text;
}

/** Browsers drop white space and control characters inside a scheme, so they are dropped before looking. */
function refuseUnsafeUrl(attribute: string, url: string): void {
  // Of our own pages.
  if (url.startsWith("/")) return;
  // oxlint-disable-next-line no-control-regex -- control characters are the point
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url.replace(/[\x00-\x20\x7f]/g, ""))?.[1];
  if (scheme && !/^(?:https?|mailto|tel|otpauth)$/i.test(scheme))
    throw new TypeError(`unsafe URL in "${attribute}"`);
}

declare global {
  // oxlint-disable-next-line no-namespace -- that of the library
  namespace JSX {
    interface HtmlMetaTag {
      /** Of a `theme-color` (WHATWG HTML section 4.2.5.1), which the library does not know. */
      media?: string;
    }
  }
}

/** The tags and their attributes as `@elysiajs/html` knows them, with our own children and without what we refuse. */
type KnownTags = globalThis.JSX.IntrinsicElements;
type Refused = "children" | "style" | "safe" | "className" | `on${string}`;
type Attributes<T> = { [K in keyof T as K extends Refused ? never : K]?: T[K] | undefined | null | false };

// oxlint-disable-next-line no-namespace -- TypeScript looks for JSX types in a namespace of this name
export namespace JSX {
  export type Element = Markup;
  export type ElementChildrenAttribute = { children: unknown };
  export type IntrinsicAttributes = { key?: string | number };
  export type IntrinsicElements = {
    [Tag in keyof KnownTags]: Attributes<KnownTags[Tag]> & { children?: Child };
  };
}
