import type { Child } from "#html";

/** Addresses become links; nothing else does. What ends a sentence is not part of one. */
export function linked(text: string): Child[] {
  const parts: Child[] = [];
  let last = 0;
  for (const match of text.matchAll(
    /https?:\/\/[^\s<>"“”‘’（）【】《》「」『』〈〉〔〕，。；：！？、…]+/giu,
  )) {
    const url = withoutEnd(match[0]);
    if (!URL.canParse(url)) continue;
    parts.push(
      text.slice(last, match.index),
      <a href={url} target="_blank" rel="noopener noreferrer nofollow ugc">
        {url}
      </a>,
    );
    last = match.index + url.length;
  }
  return [...parts, text.slice(last)];
}

/** Without what ends a sentence, and without a parenthesis that was opened before it. */
function withoutEnd(url: string): string {
  let unopened = url.split(")").length - url.split("(").length;
  for (let end = url.length; ; end--) {
    const last = url[end - 1]!;
    const isForeign = last === ")" ? unopened-- > 0 : /[.,;:!?'\]}]/.test(last);
    if (!isForeign) return url.slice(0, end);
  }
}
