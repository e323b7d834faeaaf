import { Elysia } from "elysia";
import { bundleClient } from "../client/bundle.ts" with { type: "macro" };
import appStyle from "../../public/app.css" with { type: "text" };
import favicon from "../../public/favicon.svg" with { type: "text" };
import { DuetError } from "../errors.ts";

type Asset = { text: string; type: string; gzipped?: Uint8Array };

// One script: htmx starts by itself, and an extension in a second file may come too late for it.
const script = bundleClient();

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
    if (!takesGzip(request.headers.get("accept-encoding") ?? ""))
      return new Response(asset.text, { headers });
    asset.gzipped ??= Bun.gzipSync(asset.text, { library: "libdeflate", level: 12 });
    return new Response(asset.gzipped as BodyInit, { headers: { ...headers, "content-encoding": "gzip" } });
  })
  .get("/favicon.ico", ({ redirect }) => redirect(assetUrls.iconUrl, 302));

/** Whether `Accept-Encoding` names gzip, or anything, with a quality above 0 (RFC 9110 section 12.5.3). */
export function takesGzip(header: string): boolean {
  const qualities = new Map(
    header.split(",").map((range) => {
      const [coding = "", ...parameters] = range
        .toLowerCase()
        .split(";")
        .map((part) => part.trim());
      const quality = parameters.find((part) => part.startsWith("q="))?.slice(2) ?? "1";
      return [coding, Number(quality)];
    }),
  );
  return (qualities.get("gzip") ?? qualities.get("*") ?? 0) > 0;
}
