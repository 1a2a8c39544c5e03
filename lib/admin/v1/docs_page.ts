/** The OpenAPI document as a page that people read: one self-contained HTML text without scripts, because nodes have no internet. Adds no facts. */
import { HTTP_PROBLEMS } from "../problem.ts";
import { KAFKA_PROBLEMS, kafkaProblem } from "./status.ts";

/** As far as the page reads it. */
interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly example?: unknown;
  readonly examples?: readonly unknown[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly required?: readonly string[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly minimum?: number;
  readonly maximum?: number;
}

interface Content {
  readonly content?: Readonly<Record<string, { readonly schema?: Schema }>>;
  readonly description?: string;
}

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly schema: Schema;
    readonly description?: string;
  }[];
  readonly requestBody?: Content;
  readonly responses: Readonly<Record<string, Content>>;
}

interface Document {
  readonly info: { readonly title: string; readonly version: string; readonly description?: string };
  readonly tags?: readonly { readonly name: string; readonly description?: string }[];
  readonly paths?: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components?: { readonly schemas?: Readonly<Record<string, Schema>> };
}

const DEPTH_MAX = 8;

export function docsPage(given: object): string {
  const document = given as Document;
  const page = new Page(document);
  const operations = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    Object.entries(item).map(([verb, operation]) => ({ path, verb, operation }))
  );
  const tags = document.tags ?? [];
  const inTag = (name: string) => operations.filter(({ operation }) => operation.tags.includes(name));
  const title = escape(`${document.info.title} ${document.info.version}`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<nav>
<b>${title}</b>
${
    tags.map(({ name }) =>
      `<h2>${escape(name)}</h2>\n<ul>${
        inTag(name).map(({ operation }) => `<li><a href="#${operation.operationId}">${escape(operation.summary)}</a></li>`).join("")
      }</ul>`
    ).join("\n")
  }
<h2>more</h2>
<ul><li><a href="#problems">Problems</a></li><li><a href="/v1/openapi.json">OpenAPI document</a></li><li><a href="/metrics">Metrics</a></li><li><a href="/readyz">Readiness</a></li></ul>
</nav>
<main>
<h1>${title}</h1>
<p>${words(document.info.description ?? "")}</p>
${
    tags.map(({ name, description }) =>
      `<section>\n<h2>${escape(name)}</h2>\n<p>${words(description ?? "")}</p>\n${
        inTag(name).map((one) => page.operation(one.verb, one.path, one.operation)).join("\n")
      }\n</section>`
    ).join("\n")
  }
<section id="problems">
<h2>Problems</h2>
<table><thead><tr><th>status</th><th>type</th><th>meaning</th></tr></thead><tbody>
${problems()}
</tbody></table>
</section>
</main>
</body>
</html>
`;
}

class Page {
  readonly #schemas: Readonly<Record<string, Schema>>;

  constructor(document: Document) {
    this.#schemas = document.components?.schemas ?? {};
  }

  operation(verb: string, path: string, { operationId, summary, description, parameters = [], requestBody, responses }: Operation): string {
    const rows = parameters.map(({ name, in: where, required, schema, description }) =>
      `<tr><td><code>${escape(name)}</code> <small>${where}${required ? ", required" : ""}</small></td><td>${this.#type(schema)}</td><td>${
        words(description ?? schema.description ?? "")
      }${facts(schema)}</td></tr>`
    );
    const body = schemaOf(requestBody);
    const answers = Object.entries(responses).map(([status, answer]) => {
      const schema = status < "300" ? schemaOf(answer) : null;
      return `<h4>${status} <small>${words(answer.description ?? "")}</small></h4>${schema === null ? "" : this.#fields(schema)}`;
    });
    return `<article id="${operationId}">
<h3><a href="#${operationId}">${escape(summary)}</a></h3>
<p class="call"><b class="${verb}">${verb.toUpperCase()}</b> <code>${escape(path)}</code></p>
<p>${words(description)}</p>
${rows.length === 0 ? "" : `<h4>Parameters</h4><table><tbody>${rows.join("")}</tbody></table>`}
${
      body === null
        ? ""
        : `<h4>Body <small>application/json</small></h4>${this.#fields(body)}<pre>${escape(this.#call(verb, path, body))}</pre>`
    }
<details><summary>Answers</summary>${answers.join("")}</details>
</article>`;
  }

  /** A command that can be pasted into a shell. */
  #call(verb: string, path: string, body: Schema): string {
    const example = JSON.stringify(this.#example(body, 0));
    return `curl -X ${verb.toUpperCase()} http://localhost:9644${path} \\\n  -H 'content-type: application/json' \\\n  -d '${
      example.replaceAll("'", "'\\''")
    }'`;
  }

  #example(schema: Schema, depth: number): unknown {
    const { examples, example, type, properties, items, anyOf, oneOf, default: otherwise } = schema;
    if (examples !== undefined) return examples[0];
    if (example !== undefined) return example;
    if (schema.$ref !== undefined || schema.allOf !== undefined) {
      return depth > DEPTH_MAX ? {} : this.#example(this.#resolve(schema), depth + 1);
    }
    if (properties !== undefined) {
      return Object.fromEntries(Object.entries(properties).map(([name, one]) => [name, this.#example(one, depth + 1)]));
    }
    if (items !== undefined) return [this.#example(items, depth + 1)];
    const [first] = anyOf ?? oneOf ?? [];
    if (first !== undefined) return this.#example(first, depth + 1);
    return otherwise ?? (type === "integer" ? 0 : type === "boolean" ? false : type === "object" ? {} : "");
  }

  #fields(schema: Schema): string {
    return `<table><tbody>${this.#rows(schema, "", 0)}</tbody></table>`;
  }

  #rows(schema: Schema, prefix: string, depth: number): string {
    if (depth > DEPTH_MAX) return "";
    const { properties = {}, required = [], items, anyOf, oneOf, additionalProperties } = this.#resolve(schema);
    const own = Object.entries(properties).map(([name, one]) => {
      const path = prefix === "" ? name : `${prefix}.${name}`;
      const note = required.includes(name) ? "" : " <small>optional</small>";
      const known = this.#resolve(one);
      return `<tr><td><code>${escape(path)}</code>${note}</td><td>${this.#type(one)}</td><td>${
        words(one.description ?? known.description ?? "")
      }${facts(one)}</td></tr>${this.#rows(one, path, depth + 1)}`;
    });
    const inner = [...(anyOf ?? oneOf ?? [])].map((one) => this.#rows(one, prefix, depth + 1));
    const each = items === undefined ? "" : this.#rows(items, `${prefix}[]`, depth + 1);
    const rest = typeof additionalProperties === "object" ? this.#rows(additionalProperties, `${prefix}.*`, depth + 1) : "";
    return own.join("") + inner.join("") + each + rest;
  }

  #type(schema: Schema): string {
    const { type, items, enum: values, anyOf, oneOf, const: only, additionalProperties } = this.#resolve(schema);
    if (values !== undefined) return values.map((value) => `<code>${escape(JSON.stringify(value))}</code>`).join(" ");
    if (only !== undefined) return `<code>${escape(JSON.stringify(only))}</code>`;
    const choices = anyOf ?? oneOf;
    if (choices !== undefined) return [...new Set(choices.map((one) => this.#type(one)))].join(" or ");
    if (items !== undefined) return `list of ${this.#type(items)}${Array.isArray(type) && type.includes("null") ? " or null" : ""}`;
    if (typeof additionalProperties === "object") return `map to ${this.#type(additionalProperties)}`;
    return type === undefined ? "any" : typeof type === "string" ? type : type.join(" or ");
  }

  #resolve(schema: Schema): Schema {
    if (schema.$ref !== undefined) return this.#schemas[schema.$ref.slice("#/components/schemas/".length)] ?? schema;
    // A reference with words of its own.
    return schema.allOf === undefined ? schema : Object.assign({}, ...schema.allOf.map((part) => this.#resolve(part))) as Schema;
  }
}

const schemaOf = (content: Content | undefined): Schema | null => Object.values(content?.content ?? {})[0]?.schema ?? null;

function facts(schema: Schema): string {
  const { minimum, maximum, default: otherwise, example = schema.examples?.[0] } = schema;
  const told = [
    minimum !== undefined && maximum !== undefined ? `${minimum} to ${maximum}` : minimum !== undefined ? `at least ${minimum}` : "",
    otherwise !== undefined ? `default ${JSON.stringify(otherwise)}` : "",
    example !== undefined && (typeof example !== "object" || example === null) ? `for example ${JSON.stringify(example)}` : "",
  ].filter((fact) => fact !== "");
  return told.length === 0 ? "" : ` <small>${escape(told.join("; "))}</small>`;
}

function problems(): string {
  const row = (status: number, name: string, meaning: string) =>
    `<tr id="problem-${name}"><td>${status}</td><td><code>${escape(name)}</code></td><td>${words(meaning)}</td></tr>`;
  return [
    ...Object.entries(HTTP_PROBLEMS).map(([name, { status, meaning }]) => row(status, name, meaning)),
    ...KAFKA_PROBLEMS.map((error) => {
      const { type, status, title } = kafkaProblem(error);
      return row(status, type.slice(type.indexOf("problem-") + "problem-".length), title);
    }),
  ].join("\n");
}

const escape = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;").replaceAll("'", "&#39;");

/** Text with `code` in it. */
const words = (text: string): string => escape(text).replaceAll(/`([^`]+)`/g, "<code>$1</code>");

const STYLE = `
:root{color-scheme:light dark;--line:#8884;--soft:#8881;--link:light-dark(#0b57d0,#8ab4f8)}
*{box-sizing:border-box}
body{margin:0;font:15px/1.5 system-ui,sans-serif;display:grid;grid-template-columns:minmax(14rem,18rem) minmax(0,1fr)}
nav{position:sticky;top:0;height:100vh;overflow:auto;padding:1.2rem;border-right:1px solid var(--line);font-size:14px}
nav h2{font-size:12px;text-transform:uppercase;letter-spacing:.06em;margin:1.2rem 0 .2rem;opacity:.7}
nav ul{list-style:none;margin:0;padding:0}
main{padding:1.2rem 2rem 6rem;max-width:64rem}
a{color:var(--link);text-decoration:none}a:hover{text-decoration:underline}
article{border-top:1px solid var(--line);padding:.6rem 0 1.2rem}
article:target{background:var(--soft)}
h3 a{color:inherit}
h4{margin:.9rem 0 .3rem}
code,pre{font:13px/1.5 ui-monospace,monospace}
pre{background:var(--soft);padding:.7rem;overflow:auto;border-radius:6px}
table{border-collapse:collapse;width:100%;font-size:14px}
td,th{text-align:left;vertical-align:top;padding:.25rem .8rem .25rem 0;border-bottom:1px solid var(--line)}
tr:target{background:var(--soft)}
small{opacity:.7}
.call b{display:inline-block;min-width:4.5rem;padding:0 .5rem;border-radius:4px;color:#fff;text-align:center;font-size:13px;background:#555}
.call .get{background:#1a6fb0}.call .post{background:#2b7a3d}.call .put{background:#9a6700}.call .patch{background:#7a4fb5}.call .delete{background:#b3261e}
details{margin-top:.6rem}
@media(max-width:50rem){body{display:block}nav{position:static;height:auto;border:0}}
`;
