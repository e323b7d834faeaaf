import type { Child } from "#html";
import { linked } from "./links.view.tsx";
import type { PageContext } from "./layout.view.tsx";

/** What somebody wrote: code between backticks, or between lines of three, as it stands; addresses as links. No other Markdown. */
export function written(page: PageContext, text: string): Child[] {
  return blocksOf(text).map((block) =>
    block.isCode ? <Code page={page} text={block.text.replaceAll("\r", "")} /> : inline(block.text),
  );
}

type Block = { isCode: boolean; text: string };

/** A block begins with a line of three backticks and perhaps a language, and ends with one of three; without an end it is text. */
function blocksOf(text: string): Block[] {
  const lines = text.split("\n");
  const blocks: Block[] = [];
  const put = (isCode: boolean, from: number, to: number) => {
    if (from < to) blocks.push({ isCode, text: lines.slice(from, to).join("\n") });
  };
  let begin = 0;
  for (let i = 0; i < lines.length; i++) {
    if (!/^```[\w+#.-]*\r?$/.test(lines[i]!)) continue;
    let end = i + 1;
    while (end < lines.length && !/^```\r?$/.test(lines[end]!)) end++;
    if (end === lines.length) break;
    put(false, begin, i);
    put(true, i + 1, end);
    i = end;
    begin = end + 1;
  }
  put(false, begin, lines.length);
  return blocks;
}

/** Every second part stood between backticks. */
const inline = (text: string): Child[] =>
  text.split(/`([^`\n]+)`/).map((part, i) => (i % 2 === 1 ? <code>{part}</code> : linked(part)));

/** In a paragraph as the rest is. Wide lines are scrolled to, by keyboard too. */
export const Code = ({ page: { t }, text }: { page: PageContext; text: string }) => (
  <span class="code" dir="ltr">
    <code tabindex="0">{text}</code>
    <button class="quiet small" type="button" data-copy="" data-copied={t.conversation.copied}>
      {t.conversation.copy}
    </button>
  </span>
);
