import { Elysia } from "elysia";
import { bundleClient } from "../client/bundle.ts" with { type: "macro" };
import appStyle from "../../public/app.css" with { type: "text" };
import labStyle from "../../public/lab.css" with { type: "text" };
import favicon from "../../public/favicon.svg" with { type: "text" };
import touchIcon from "../../public/icon.png" with { type: "file" };
import { DuetError } from "../errors.ts";

type Asset = { content: string | Uint8Array; type: string; gzipped?: Uint8Array };

// One script: htmx starts by itself, and an extension in a second file may come too late for it.
const script = bundleClient();

const withoutSpace = (style: string) =>
  style
    .replaceAll(/\/\*[^]*?\*\//g, "")
    .replaceAll(/\s+/g, " ")
    .replaceAll(/ ?([{};,>]) ?/g, "$1")
    .replaceAll(";}", "}")
    .replaceAll(": ", ":");

const SCRIPT_TYPE = "text/javascript; charset=utf-8";
const STYLE_TYPE = "text/css; charset=utf-8";

const assets = new Map<string, Asset>();

/** The address holds a hash of the content, so that the answer may be kept for ever. */
function publish(name: string, extension: string, type: string, content: Asset["content"]): string {
  const hash = new Bun.CryptoHasher("sha256").update(content).digest("hex").slice(0, 12);
  const file = `${name}.${hash}.${extension}`;
  assets.set(file, { content, type });
  return `/assets/${file}`;
}

const iconUrl = publish("duet", "svg", "image/svg+xml", favicon);
const touchIconUrl = publish("duet", "png", "image/png", await Bun.file(touchIcon).bytes());

/** What a home screen keeps (W3C Web Application Manifest). No words, so one for all languages. */
const manifest = {
  id: "/",
  name: "Duet",
  start_url: "/conversations",
  scope: "/",
  display: "standalone",
  background_color: "#f6f5f2",
  theme_color: "#f6f5f2",
  icons: [
    { src: iconUrl, type: "image/svg+xml", sizes: "any" },
    { src: touchIconUrl, type: "image/png", sizes: "512x512" },
    { src: touchIconUrl, type: "image/png", sizes: "512x512", purpose: "maskable" },
  ],
};

export const assetUrls = {
  scriptUrl: publish("duet", "js", SCRIPT_TYPE, script),
  styleUrl: publish("duet", "css", STYLE_TYPE, withoutSpace(appStyle)),
  /** Of the pages that have more than the others. */
  styleUrls: {
    lab: publish("lab", "css", STYLE_TYPE, withoutSpace(labStyle)),
  },
  iconUrl,
  touchIconUrl,
  manifestUrl: publish("duet", "webmanifest", "application/manifest+json", JSON.stringify(manifest)),
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
      return new Response(asset.content as BodyInit, { headers });
    asset.gzipped ??= Bun.gzipSync(asset.content as Uint8Array<ArrayBuffer>, {
      library: "libdeflate",
      level: 12,
    });
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
