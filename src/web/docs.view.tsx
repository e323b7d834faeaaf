import { ERROR_STATUS, type ErrorCode } from "../errors.ts";
import type { Document, Operation, Parameter, Schema } from "../http/reference.ts";
import { LOCALES, type Language, type Locale } from "../locales/index.ts";

type Words = Locale["api"];
type Components = Document["components"]["schemas"];

/** Every route by its topic, then every error. */
export const Reference = ({ document, language }: { document: Document; language: Language }) => {
  const { api, errors } = LOCALES[language] as Locale;
  const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
  return (
    <>
      <h1>{api.docs.title}</h1>
      <p>
        {api.docs.lead} <a href="/openapi.json">/openapi.json</a>
      </p>
      <p>
        {api.docs.base} <code>{document.servers[0]!.url}</code>
      </p>
      <nav aria-label={api.docs.title}>
        <ul class="codes">
          {document.tags.map(({ name, description }) => (
            <li>
              <a href={`#topic-${name}`}>{description}</a>
            </li>
          ))}
          <li>
            <a href="#errors">{api.docs.errors}</a>
          </li>
        </ul>
      </nav>
      {document.tags.map(({ name, description }) => (
        <section aria-labelledby={`topic-${name}`}>
          <h2 id={`topic-${name}`}>{description}</h2>
          {routes
            .filter(({ operation }) => operation.tags.includes(name))
            .map((route) => (
              <Route {...route} components={document.components.schemas} words={api} />
            ))}
        </section>
      ))}
      <section aria-labelledby="errors">
        <h2 id="errors">{api.docs.errors}</h2>
        <p>{api.docs.errorsLead}</p>
        <div class="scroll" tabindex="0">
          <table>
            <thead>
              <tr>
                <th scope="col">{api.docs.code}</th>
                <th scope="col">{api.docs.status}</th>
                <th scope="col">{api.docs.text}</th>
                <th scope="col">{api.docs.when}</th>
              </tr>
            </thead>
            <tbody>
              {(Object.entries(ERROR_STATUS) as [ErrorCode, number][]).map(([code, status]) => (
                <tr id={`error-${code}`}>
                  <td>
                    <code>{code}</code>
                  </td>
                  <td>{status}</td>
                  <td>{errors[code]}</td>
                  <td>{api.when[code]}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </section>
    </>
  );
};

type RouteProps = {
  method: string;
  path: string;
  operation: Operation;
  components: Components;
  words: Words;
};

const Route = ({ method, path, operation, components, words }: RouteProps) => {
  const { docs } = words;
  const { operationId, summary, security, parameters = [], requestBody, responses } = operation;
  const input = requestBody?.content["application/json"];
  const answers = Object.entries(responses).filter(([status]) => Number(status) < 400);
  const refusals = Object.entries(responses).filter(([status]) => Number(status) >= 400);
  const fields = [
    ...parameters.map((each) => ({ ...fieldOf(each, components), note: placeOf(each, docs) })),
    ...(input ? fieldsOf(input.schema, components) : []),
  ];
  return (
    <details class="route" id={operationId}>
      <summary>
        <code>
          <b>{method}</b> {path}
        </code>
        <span>{summary}</span>
      </summary>
      {security.length > 0 && <p class="muted small">{docs.guarded}</p>}
      {fields.length > 0 && <h3>{docs.takes}</h3>}
      {fields.length > 0 && <Fields fields={fields} docs={docs} />}
      {input && <Example value={input.example} />}
      {answers.map(([status, { description, content = {} }]) => {
        const [type, media] = Object.entries(content)[0] ?? [];
        return (
          <>
            <h3>
              {docs.answers} {status}
            </h3>
            <p class="muted small">{type ? `${description} · ${type}` : description}</p>
            {media && <Fields fields={fieldsOf(media.schema, components)} docs={docs} />}
            {media?.example !== undefined && <Example value={media.example} />}
          </>
        );
      })}
      <h3>{docs.errors}</h3>
      <ul class="codes">
        {refusals.map(([status, { content = {} }]) => (
          <li>
            {status}{" "}
            {Object.keys(Object.values(content)[0]?.examples ?? {}).map((code) => (
              <>
                <a href={`#error-${code}`}>{code}</a>{" "}
              </>
            ))}
          </li>
        ))}
      </ul>
    </details>
  );
};

type Field = { name: string; type: string; isRequired: boolean; words: string; note?: string };

const Fields = ({ fields, docs }: { fields: Field[]; docs: Words["docs"] }) => (
  <dl class="fields">
    {fields.map(({ name, type, isRequired, words, note }) => (
      <>
        <dt>
          <code>{name}</code>
        </dt>
        <dd>
          <span class="muted">
            {[type, note, isRequired ? "" : docs.optional].filter(Boolean).join(", ")}
          </span>{" "}
          {words}
        </dd>
      </>
    ))}
  </dl>
);

const Example = ({ value }: { value: unknown }) => (
  <pre class="scroll" tabindex="0">
    <code>{JSON.stringify(value, null, 2)}</code>
  </pre>
);

const placeOf = ({ in: place }: Parameter, docs: Words["docs"]) =>
  ({ path: docs.onPath, query: docs.onQuery, header: docs.onHeader })[place];

const fieldOf = ({ name, schema, required, description }: Parameter, components: Components): Field => ({
  name,
  type: typeOf(schema, components),
  isRequired: required,
  words: description ?? "",
});

/** What a body has, down to its leaves: `items[].author.id`. */
function fieldsOf(schema: Schema, components: Components, before = ""): Field[] {
  const whole = resolved(schema, components);
  if (whole.items) return fieldsOf(whole.items, components, `${before.replace(/\.$/, "")}[].`);
  return Object.entries(whole.properties ?? {}).flatMap(([key, each]) => {
    const name = before + key;
    const { description = "", ...plain } = resolved(each, components);
    const isRequired = whole.required?.includes(key) ?? false;
    const field = { name, type: typeOf(plain, components), isRequired, words: description };
    return [field, ...fieldsOf(plain, components, `${name}.`)];
  });
}

const resolved = (schema: Schema, components: Components): Schema =>
  schema.$ref ? components[schema.$ref.split("/").at(-1)!]! : schema;

/** In few words: `string ≤ 200`, `browser | program`, `date-time | null`. */
function typeOf(schema: Schema, components: Components): string {
  const {
    type,
    format,
    enum: values,
    items,
    anyOf,
    minimum,
    maximum,
    maxLength,
  } = resolved(schema, components);
  if (values) return values.map(String).join(" | ");
  if (anyOf) return anyOf.map((each) => typeOf(each, components)).join(" | ");
  if (items) return `${typeOf(items, components)}[]`;
  const [name = "", ...others] = [type ?? []].flat();
  const bounds = maximum !== undefined ? ` ${minimum}–${maximum}` : maxLength ? ` ≤ ${maxLength}` : "";
  return [`${format ?? name}${bounds}`, ...others].join(" | ");
}
