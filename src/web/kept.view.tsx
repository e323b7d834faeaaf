import type { Markup } from "#html";

const KEPT_MAX = 5000;
const TEXT_CHARS_MAX = 500;

/**
 * Fragments that were drawn before, by all that is in them: `key`, and the text that somebody wrote. A page has fifty of a
 * kind, and each is the same for many. Only small ones are kept.
 */
export function createKept() {
  const kept = new Map<string, { text: string; item: Markup }>();
  return (key: string, text: string, draw: () => Markup): Markup => {
    const known = kept.get(key);
    if (known?.text === text) return known.item;
    const item = draw();
    if (text.length > TEXT_CHARS_MAX) return item;
    // Looked into, it is one string; as it was put together it would keep all of its pieces.
    item.html.charCodeAt(0);
    if (kept.size >= KEPT_MAX) kept.delete(kept.keys().next().value!);
    kept.set(key, { text, item });
    return item;
  };
}
