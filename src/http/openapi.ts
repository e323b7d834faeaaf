import { toOpenAPISchema, unwrapSchema } from "@elysiajs/openapi/openapi";
import type { AnyElysia, TSchema } from "elysia";
import { version } from "../../package.json";
import { LOCALES, type Language, type Locale, type OperationId } from "../locales/index.ts";
import { errorsOf, examplesOfErrors, isOAuthPath, problemSchemas } from "./documented-errors.ts";
import { exampleOf, KNOWN } from "./examples.ts";
import {
  notesOf,
  type Answer,
  type Document,
  type Media,
  type Notes,
  type Operation,
  type Parameter,
  type Schema,
} from "./reference.ts";

const JSON_TYPE = "application/json";
const FORM_TYPE = "application/x-www-form-urlencoded";

/**
 * The reference as an OpenAPI 3.1 document: paths, parameters and schemas of input from the routes themselves, by
 * `@elysiajs/openapi`; what a route answers and can go wrong with from its notes; words and examples by a field's name.
 * Only routes that have notes are in it.
 */
export function documentOf(root: AnyElysia, issuer: string, language: Language = "en"): Document {
  const locale: Locale = LOCALES[language];
  const components: Record<string, Schema> = {};
  const found: object = toOpenAPISchema(root, { staticFile: false }).paths;
  // What a parser of one's own reads is left out there.
  const bodies = new Map(root.routes.map((each) => [`${each.method} ${each.path}`, each.hooks?.body]));
  const paths: Document["paths"] = {};
  for (const [path, methods] of Object.entries(found as Document["paths"]))
    for (const [method, operation] of Object.entries(methods)) {
      const notes = notesOf(operation);
      if (!notes) continue;
      const route = `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ":$1")}`;
      const body = bodies.get(route) as TSchema | undefined;
      const told = { path, method, operation, notes, body: body && plainOf(body, "input") };
      (paths[path] ??= {})[method] = operationOf(told, locale, components);
    }
  return {
    openapi: "3.1.1",
    info: { title: "Duet", version, license: { name: "MIT", identifier: "MIT" }, summary: locale.tagline },
    servers: [{ url: issuer }],
    tags: Object.entries(locale.api.topics).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      schemas: { ...components, ...problemSchemas() },
      examples: examplesOfErrors(language),
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer", bearerFormat: "JWT" },
        dpop: { type: "http", scheme: "DPoP", bearerFormat: "JWT" },
        cookie: { type: "apiKey", in: "cookie", name: "__Host-duet_access" },
      },
    },
  };
}

const plainOf = (schema: TSchema, side: "input" | "output") =>
  unwrapSchema(schema, undefined, side, "3.1.2") as Schema;

/** A route as the library and its notes tell of it. */
type Told = { path: string; method: string; operation: Operation; notes: Notes; body: Schema | undefined };

function operationOf(told: Told, locale: Locale, components: Record<string, Schema>): Operation {
  const { path, method, operation, notes, body } = told;
  const { operationId, tags, security = [], parameters: asked = [] } = operation;
  const complete = (schema: Schema) => completed(schema, operationId, locale, components);
  const mediaOf = (schema: Schema): Media => ({ schema, example: exampleOf(schema, components) });
  const media = body && mediaOf(complete(body));
  const parameters = parametersOf(asked, notes.headers, operationId, locale);
  return {
    operationId,
    tags,
    summary: locale.api.operations[operationId as OperationId],
    security: notes.headers.includes("Authorization") ? [{}, { bearer: [] }, { dpop: [] }] : security,
    ...(parameters.length > 0 && { parameters }),
    ...(media && {
      requestBody: {
        required: (body.required ?? []).length > 0,
        content: { [JSON_TYPE]: media, ...(isOAuthPath(path) && { [FORM_TYPE]: media }) },
      },
    }),
    responses: {
      ...Object.fromEntries(
        Object.entries(notes.answers).map(([status, answer]): [string, Answer] => {
          const description = locale.api.statuses[Number(status) as keyof Locale["api"]["statuses"]];
          if (answer === null) return [status, { description }];
          if (typeof answer === "string")
            return [status, { description, content: { [answer]: { schema: { type: "string" } } } }];
          const type = (answer["contentType"] as string | undefined) ?? JSON_TYPE;
          return [status, { description, content: { [type]: mediaOf(complete(plainOf(answer, "output"))) } }];
        }),
      ),
      ...errorsOf(
        {
          path,
          changes: method !== "get",
          isGuarded: security.length > 0,
          hasInput: media !== undefined || asked.some((each) => each.in === "query"),
          hasId: asked.some((each) => each.in === "path"),
        },
        notes.errors,
      ),
    },
  };
}

function parametersOf(asked: Parameter[], headers: string[], owner: string, locale: Locale): Parameter[] {
  const ofHeaders = headers
    // OpenAPI has a place of its own for what a guard asks for, and forbids this name here.
    .filter((name) => name !== "Authorization")
    .map((name): Parameter => ({ name, in: "header", required: false, schema: { type: "string" } }));
  return [...asked, ...ofHeaders].map((each) => ({
    ...each,
    ...wordsOf(each.name, owner, locale),
    schema: { ...each.schema, ...KNOWN[each.name], ...KNOWN[`${owner}.${each.name}`] },
  }));
}

/** What a field is, by its name or, where that is not enough, by that of what it is a part of. */
function wordsOf(name: string, owner: string, { api }: Locale): { description?: string } {
  const words: Record<string, string> = api.fields;
  const description = words[`${owner}.${name}`] ?? words[name];
  return description ? { description } : {};
}

/** A schema with words, bounds and examples; one that has a name becomes a reference to the one that all share. */
function completed(
  schema: Schema,
  owner: string,
  locale: Locale,
  components: Record<string, Schema>,
): Schema {
  // Elysia closes some schemas of input when it compiles them; what it does not know it leaves out, and takes the rest.
  const { title, contentType: _, additionalProperties, ...rest } = schema;
  const name = title ?? owner;
  const inside = (each: Schema) => completed(each, name, locale, components);
  const whole: Schema = { ...rest, ...(additionalProperties === true && { additionalProperties }) };
  // The library makes such a type nullable, and forgets it among the values.
  if (rest.enum && rest.type?.includes("null")) whole.enum = [...rest.enum, null];
  if (rest.properties)
    whole.properties = Object.fromEntries(
      Object.entries(rest.properties).map(([key, each]) => {
        const plain = inside(each);
        if (plain.$ref) return [key, plain];
        return [key, { ...plain, ...KNOWN[key], ...KNOWN[`${name}.${key}`], ...wordsOf(key, name, locale) }];
      }),
    );
  if (rest.items) whole.items = inside(rest.items);
  if (rest.anyOf) whole.anyOf = rest.anyOf.map(inside);
  if (title === undefined) return whole;
  components[title] = whole;
  return { $ref: `#/components/schemas/${title}` };
}
