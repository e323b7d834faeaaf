import { describe, expect, test } from "bun:test";
import { Fragment, raw } from "#html";

const EVIL = `"><script>alert('1')</script>&`;
const ESCAPED = "&quot;&gt;&lt;script&gt;alert(&#x27;1&#x27;)&lt;/script&gt;&amp;";
const spread = (attributes: object) => attributes as Record<string, string>;

describe("markup", () => {
  test("escapes text wherever a child can be", () => {
    const Box = ({ children }: { children?: string }) => <p>{children}</p>;
    const value: any = EVIL;
    expect(String(<p>{EVIL}</p>)).toBe(`<p>${ESCAPED}</p>`);
    expect(String(<>{EVIL}</>)).toBe(ESCAPED);
    expect(String(<Fragment>{EVIL}</Fragment>)).toBe(ESCAPED);
    expect(
      String(
        <ul>
          {[EVIL].map((text) => (
            <li>{text}</li>
          ))}
        </ul>,
      ),
    ).toBe(`<ul><li>${ESCAPED}</li></ul>`);
    expect(String(<p>{[[EVIL]]}</p>)).toBe(`<p>${ESCAPED}</p>`);
    expect(String(<Box>{EVIL}</Box>)).toBe(`<p>${ESCAPED}</p>`);
    expect(String(<p>{value}</p>)).toBe(`<p>${ESCAPED}</p>`);
    expect(String(<p>{value && EVIL}</p>)).toBe(`<p>${ESCAPED}</p>`);
    expect(String(<p>{`${EVIL}`}</p>)).toBe(`<p>${ESCAPED}</p>`);
    expect(String(<textarea>{EVIL}</textarea>)).toBe(`<textarea>${ESCAPED}</textarea>`);
    expect(String(<title>{EVIL}</title>)).toBe(`<title>${ESCAPED}</title>`);
  });

  test("escapes attributes, so that no second one and no entity comes of a value", () => {
    expect(String(<p title={EVIL} />)).toBe(`<p title="${ESCAPED}"></p>`);
    expect(String(<p hx-vals={`{"a":"&quot;,&quot;admin&quot;:&quot;1"}`} />)).toBe(
      '<p hx-vals="{&quot;a&quot;:&quot;&amp;quot;,&amp;quot;admin&amp;quot;:&amp;quot;1&quot;}"></p>',
    );
  });

  test("leaves out what is absent and names what is true", () => {
    expect(String(<input hidden required={false} title={undefined} tabindex={0} />)).toBe(
      '<input hidden tabindex="0">',
    );
    expect(String(<p>{[null, undefined, false, true, 0, 1n, ""]}</p>)).toBe("<p>01</p>");
  });

  test("is only what was made here: an object that looks like it is refused", () => {
    const forged: any = { html: "<b>forged</b>", toString: () => "<b>forged</b>" };
    expect(() => <p>{forged}</p>).toThrow(TypeError);
    const code: any = () => "x";
    expect(() => <p>{code}</p>).toThrow(TypeError);
    expect(() => <p title={forged} />).toThrow(TypeError);
    expect(String(<p>{raw("<b>vouched for</b>")}</p>)).toBe("<p><b>vouched for</b></p>");
  });

  test.each([
    "onclick",
    "ONCLICK",
    "hx-on:click",
    "data-hx-on-click",
    "style",
    "srcdoc",
    "a b",
    'a"b',
    "a>",
    "",
  ])("refuses the attribute %j", (name) => {
    expect(() => <p {...spread({ [name]: "x" })} />).toThrow(TypeError);
  });

  test.each([
    "javascript:alert(1)",
    " javascript:alert(1)",
    "java\nscript:alert(1)",
    "java\tscript:alert(1)",
    "\u0001javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "blob:x",
  ])("refuses the URL %j", (url) => {
    expect(() => <a href={url}>x</a>).toThrow(TypeError);
    expect(() => <form action={url} />).toThrow(TypeError);
    expect(() => <p hx-get={url} />).toThrow(TypeError);
  });

  test.each([
    "/a?b=javascript:1",
    "https://example.com",
    "mailto:a@b.c",
    "#x",
    "?before=1",
    "a:b".slice(0, 1),
  ])("takes the URL %j", (url) => {
    expect(String(<a href={url} />)).toBe(`<a href="${url}"></a>`);
  });

  test("refuses inline scripts and styles, and tags that are none", () => {
    const Tag: any = "p onload=x";
    expect(() => <script>{"alert(1)"}</script>).toThrow(TypeError);
    expect(() => <style>{"p{}"}</style>).toThrow(TypeError);
    expect(() => <Tag />).toThrow(TypeError);
    expect(String(<script src="/a.js" defer />)).toBe('<script src="/a.js" defer></script>');
  });
});
