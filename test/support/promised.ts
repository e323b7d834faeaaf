import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import type { Document, Operation } from "../../src/http/reference.ts";

/** Every answer that a test gets from a route of the reference is held against what `/openapi.json` promises of it. */

/** A document that knows no field but those that it names: what the server says beside them is a fault here, though no client's. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== "object" || schema === null) return schema;
  const inside = Object.fromEntries(Object.entries(schema).map(([key, each]) => [key, closed(each)]));
  const isClosed = (inside["allOf"] || inside["properties"]) && !inside["additionalProperties"];
  return isClosed ? { ...inside, unevaluatedProperties: false } : inside;
}

/** Which is put together with others there, and is closed where it is. */
const open = new Set(["Problem", "OAuthError"]);

export type Promises = ReturnType<typeof createPromises>;

export function createPromises(document: Document) {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  (addFormats as unknown as (to: typeof ajv) => void)(ajv);
  const schemas = Object.fromEntries(
    Object.entries(document.components.schemas).map(([name, schema]) => [
      name,
      open.has(name) ? schema : closed(schema),
    ]),
  );
  ajv.addSchema({ $id: "duet", components: { schemas } });
  const routes = Object.entries(document.paths).flatMap(([path, methods]) => {
    const pattern = RegExp(`^${path.replaceAll(/[.]/g, "\\.").replaceAll(/\{\w+\}/g, "[^/]+")}$`);
    return Object.entries(methods).map(([method, operation]) => ({
      method: method.toUpperCase(),
      pattern,
      operation,
    }));
  });
  const compiled = new Map<object, ValidateFunction>();
  const validatorOf = (schema: object): ValidateFunction => {
    const known = compiled.get(schema);
    if (known) return known;
    const text = JSON.stringify(closed(schema)).replaceAll('"#/components', '"duet#/components');
    const made = ajv.compile(JSON.parse(text));
    compiled.set(schema, made);
    return made;
  };

  /** What `answer` says that the document does not promise; null where it keeps its word, or is of a route that is not in it. */
  return async function brokenBy(method: string, path: string, given: Response): Promise<string | null> {
    const route = routes.find((each) => each.method === method && each.pattern.test(path));
    if (!route) return null;
    // What streams is not looked at.
    const isStream = given.headers.get("content-type")?.startsWith("text/event-stream");
    const answer = isStream ? given : given.clone();
    const promised = (route.operation as Operation).responses[String(answer.status)];
    const name = `${method} ${path} ${answer.status}`;
    if (!promised) return `${name}: no such status in /openapi.json: ${await answer.text()}`;
    const type = (answer.headers.get("content-type") ?? "").split(";")[0]!;
    // Whoever says that they would rather have a page is shown an error as one.
    if (type === "text/html" && answer.status >= 400) return null;
    if (!promised.content) return type === "" ? null : `${name}: a body, where none is promised`;
    const media = promised.content[type];
    if (!media) return `${name}: ${type}, where ${Object.keys(promised.content).join()} is promised`;
    if (!type.endsWith("json")) return null;
    const body: unknown = await answer.json();
    const isValid = validatorOf(media.schema);
    if (isValid(body)) return null;
    return `${name}: ${ajv.errorsText(isValid.errors)}: ${JSON.stringify(body)}`;
  };
}
