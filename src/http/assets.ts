import { Elysia } from "elysia";
import htmx from "htmx.org/dist/htmx.min.js" with { type: "text" };
import appScript from "../../public/app.js" with { type: "text" };
import changesScript from "../../public/changes.js" with { type: "text" };
import labScript from "../../public/lab.js" with { type: "text" };
import liveScript from "../../public/live.js" with { type: "text" };
import outboxScript from "../../public/outbox.js" with { type: "text" };
import tokensScript from "../../public/tokens.js" with { type: "text" };
import threadScript from "../../public/thread.js" with { type: "text" };
import appStyle from "../../public/app.css" with { type: "text" };
import favicon from "../../public/favicon.svg" with { type: "text" };
import { DuetError } from "../errors.ts";

type Asset = { text: string; type: string; gzipped?: Uint8Array };

// `minify` is missing from the types of bun 1.4.5.
const minifying = { loader: "js", target: "browser", minify: true } as const;
const minifier = new Bun.Transpiler(minifying);
const minify = (text: string) => minifier.transformSync(text);

// One classic script: htmx starts by itself, and an extension in a second file may come too late for it.
const script = [
  htmx.replace(/^\/\/# sourceMappingURL=.*$/m, ""),
  ...[tokensScript, appScript, outboxScript, threadScript, changesScript, liveScript, labScript].map(minify),
].join("\n;\n");

const style = appStyle
  .replaceAll(/\/\*[^]*?\*\//g, "")
  .replaceAll(/\s+/g, " ")
  .replaceAll(/ ?([{};,>]) ?/g, "$1")
  .replaceAll(";}", "}")
  .replaceAll(": ", ":");

const SCRIPT_TYPE = "text/javascript; charset=utf-8";
const STYLE_TYPE = "text/css; charset=utf-8";

const assets = new Map<string, Asset>();

/** The address holds a hash of the content, so that the answer may be kept for ever. */
function publish(name: string, extension: string, type: string, text: string): string {
  const hash = new Bun.CryptoHasher("sha256").update(text).digest("hex").slice(0, 12);
  const file = `${name}.${hash}.${extension}`;
  assets.set(file, { text, type });
  return `/assets/${file}`;
}

export const assetUrls = {
  scriptUrl: publish("duet", "js", SCRIPT_TYPE, script),
  styleUrl: publish("duet", "css", STYLE_TYPE, style),
  iconUrl: publish("duet", "svg", "image/svg+xml", favicon),
};

export const serveAssets = new Elysia({ name: "assets" })
  .get("/assets/:file", ({ params, request }) => {
    const asset = assets.get(params.file);
    if (!asset) throw new DuetError("not_found");
    const headers = {
      "content-type": asset.type,
      "cache-control": "public, max-age=31536000, immutable",
      vary: "accept-encoding",
    };
    if (!/\bgzip\b/.test(request.headers.get("accept-encoding") ?? ""))
      return new Response(asset.text, { headers });
    asset.gzipped ??= Bun.gzipSync(asset.text, { library: "libdeflate", level: 12 });
    return new Response(asset.gzipped as BodyInit, { headers: { ...headers, "content-encoding": "gzip" } });
  })
  .get("/favicon.ico", ({ redirect }) => redirect(assetUrls.iconUrl, 302));
