import { join } from "node:path";
import { ERROR_STATUS } from "../../src/errors.ts";
import type { Document, Operation, Schema } from "../../src/http/reference.ts";
import { en } from "../../src/locales/en.ts";
import { command, ROOT } from "../support/process.ts";

const FILE = join(ROOT, "src/api/README.md");
const startOf = (name: string) => `<!-- ${name}: made by \`bun test/reference/write.ts\` -->`;
const endOf = (name: string) => `<!-- end of ${name} -->`;

const cell = (text: string) => text.replaceAll("|", "\\|");
const code = (name: string) => `\`${name}\``;

const inputOf = ({ security, parameters = [], requestBody }: Operation): string => {
  const isOptional = security.some((each) => Object.keys(each).length === 0);
  const body = requestBody?.content["application/json"]!.schema;
  return [
    security.length > 0 ? `Bearer${isOptional ? "?" : ""}` : "",
    ...parameters
      .filter((each) => each.in !== "path" && each.name !== "DPoP")
      .map((each) => `${code(each.name)}${each.required ? "" : "?"}`),
    ...Object.keys(body?.properties ?? {}).map(
      (name) => `${code(name)}${body!.required?.includes(name) ? "" : "?"}`,
    ),
  ]
    .filter(Boolean)
    .join(", ");
};

/** A name that others answer with too, or the fields. */
const shownAs = ({ $ref, properties = {} }: Schema): string =>
  $ref ? $ref.split("/").at(-1)! : Object.entries(properties).map(fieldOf).join(" ");
const fieldOf = ([name, schema]: [string, Schema]) =>
  name === "items" ? `${code(name)} of ${shownAs(schema.items!)}` : code(name);

const answersOf = ({ responses }: Operation): string =>
  Object.entries(responses)
    .filter(([status]) => Number(status) < 400)
    .map(([status, { content = {} }]) => {
      const [type, media] = Object.entries(content)[0] ?? [];
      if (!media) return status;
      return `${status} ${type!.endsWith("json") ? shownAs(media.schema) : type}`.trim();
    })
    .join("; ");

function routesOf({ paths }: Document): string {
  const rows = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const route = code(`${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ":$1")}`);
      return `| ${route} | ${inputOf(operation)} | ${answersOf(operation)} | ${cell(operation.summary)} |`;
    }),
  );
  return ["| route | takes | answers | does |", "| --- | --- | --- | --- |", ...rows].join("\n");
}

/** What the answers that have a name are made of. */
const schemasOf = ({ components }: Document): string =>
  [
    "| answer | fields |",
    "| --- | --- |",
    ...Object.entries(components.schemas).map(
      ([name, { properties = {} }]) => `| ${name} | ${Object.entries(properties).map(fieldOf).join(" ")} |`,
    ),
  ].join("\n");

const errorsOf = (): string =>
  [
    "| code | status | when |",
    "| --- | --- | --- |",
    ...Object.entries(ERROR_STATUS).map(
      ([name, status]) =>
        `| ${code(name)} | ${status} | ${cell(en.api.when[name as keyof typeof ERROR_STATUS])} |`,
    ),
  ].join("\n");

/** The reference with its tables made anew from what `duet openapi` prints. */
export async function written(): Promise<string> {
  const document = JSON.parse((await command("openapi")).out) as Document;
  let text = await Bun.file(FILE).text();
  for (const [name, table] of [
    ["routes", routesOf(document)],
    ["answers", schemasOf(document)],
    ["errors", errorsOf()],
  ] as const) {
    const [before, rest] = text.split(startOf(name));
    const [, after] = rest?.split(endOf(name)) ?? [];
    if (before === undefined || after === undefined)
      throw new Error(`the table of ${name} has lost its place`);
    text = `${before}${startOf(name)}\n\n${table}\n\n${endOf(name)}${after}`;
  }
  return text;
}

if (import.meta.main) await Bun.write(FILE, await written());
