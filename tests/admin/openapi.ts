/** Requests made from the OpenAPI document itself, right and wrong ones, and the check of replies against it. Knows no operation by name. */
import Ajv2020, { type ValidateFunction } from "ajv/dist/2020";
import fc from "fast-check";

export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly example?: unknown;
  readonly examples?: readonly unknown[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly required?: readonly string[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
}

export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required?: boolean;
  readonly description?: string;
  readonly schema: Schema;
}

export interface Operation {
  readonly verb: string;
  readonly path: string;
  readonly operationId: string;
  readonly summary?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  readonly parameters: readonly Parameter[];
  readonly body: Schema | null;
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, { readonly schema: Schema }>> }>>;
}

export interface Call {
  readonly path: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
}

interface RawOperation {
  readonly operationId: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly responses: Operation["responses"];
}

export interface RawDocument {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, RawOperation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

const DOCUMENT_ID = "document";
const ITEMS_MAX = 3;
const LENGTH_MAX = 40;
/** Letters, and what is special to JSON, URLs, HTML and UTF-8. */
const CHARACTERS = fc.oneof(
  fc.string({ minLength: 1, maxLength: 1 }),
  fc.constantFrom("\u0000", "\n", '"', "\\", "/", "%", "?", "#", "<", "é", "€", "😀"),
);

export class Document {
  readonly operations: readonly Operation[];
  readonly #raw: RawDocument;
  readonly #ajv = new Ajv2020({ strict: false, allErrors: false, validateFormats: false });
  readonly #validators = new Map<Schema, ValidateFunction>();

  constructor(raw: RawDocument) {
    this.#raw = raw;
    this.#ajv.addSchema(raw, DOCUMENT_ID);
    this.operations = Object.entries(raw.paths).flatMap(([path, item]) =>
      Object.entries(item).map(([verb, { parameters = [], requestBody, ...rest }]) => ({
        ...rest,
        verb: verb.toUpperCase(),
        path,
        parameters,
        body: requestBody?.content["application/json"]?.schema ?? null,
      }))
    );
  }

  resolve(schema: Schema): Schema {
    return schema.$ref === undefined ? schema : this.#raw.components.schemas[schema.$ref.slice("#/components/schemas/".length)]!;
  }

  /** Null when `value` is as the schema says. */
  mismatch(schema: Schema, value: unknown): string | null {
    let validate = this.#validators.get(schema);
    if (validate === undefined) {
      const absolute = JSON.parse(JSON.stringify(schema).replaceAll('"#/components/', `"${DOCUMENT_ID}#/components/`)) as object;
      this.#validators.set(schema, validate = this.#ajv.compile(absolute));
    }
    return validate(value) ? null : this.#ajv.errorsText(validate.errors);
  }

  /** Calls that the document allows. @param known values of path parameters that exist, by name. */
  calls({ parameters, body }: Operation, known: Readonly<Record<string, readonly string[]>>): fc.Arbitrary<Call> {
    const of = (where: Parameter["in"]) =>
      parameters.filter((one) => one.in === where && one.name !== "timeoutMs").map((one) => {
        const given = this.value(one.schema).map((value) => typeof value === "string" ? value : JSON.stringify(value));
        const existing = known[one.name];
        const text = existing === undefined
          ? given
          : fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...existing) }, { weight: 1, arbitrary: given });
        return [one, text] as const;
      });
    const path = fc.record(
      Object.fromEntries(of("path").map(([one, text]) => [one.name, text.filter((value) => !/^\.{0,2}$/.test(value))])),
    );
    const query = of("query");
    const required = query.filter(([one]) => one.required === true).map(([one]) => one.name);
    return fc.record({
      path,
      query: fc.record(Object.fromEntries(query.map(([one, text]) => [one.name, text])), { requiredKeys: required }) as fc.Arbitrary<
        Record<string, string>
      >,
      body: body === null ? fc.constant(undefined) : this.value(body),
    });
  }

  /** Values that fit the schema. */
  value(given: Schema): fc.Arbitrary<unknown> {
    const schema = this.resolve(given);
    const { type, enum: values, anyOf, oneOf, allOf, examples = schema.example === undefined ? [] : [schema.example] } = schema;
    if (schema.const !== undefined) return fc.constant(schema.const);
    if (values !== undefined) return fc.constantFrom(...values);
    const choices = anyOf ?? oneOf;
    if (choices !== undefined) return fc.oneof(...choices.map((one) => this.value(one)));
    if (allOf !== undefined) return this.value(allOf[0]!);
    const kinds = (typeof type === "string" ? [type] : type ?? ["string"]).map((kind) => this.#kind(kind, schema));
    const made = fc.oneof(...kinds);
    return examples.length === 0 ? made : fc.oneof({ weight: 2, arbitrary: made }, { weight: 1, arbitrary: fc.constantFrom(...examples) });
  }

  #kind(kind: string, schema: Schema): fc.Arbitrary<unknown> {
    const {
      minimum = -1e9,
      maximum = 1e9,
      minLength = 0,
      maxLength = LENGTH_MAX,
      minItems = 0,
      maxItems = ITEMS_MAX,
      properties = {},
      required = [],
    } = schema;
    switch (kind) {
      case "null":
        return fc.constant(null);
      case "boolean":
        return fc.boolean();
      case "integer":
        return fc.oneof(fc.integer({ min: minimum, max: Math.min(maximum, minimum + 20) }), fc.integer({ min: minimum, max: maximum }));
      case "number":
        return fc.double({ min: minimum, max: maximum, noNaN: true, noDefaultInfinity: true }).map((n) => Object.is(n, -0) ? 0 : n);
      case "array":
        return fc.array(this.value(schema.items ?? {}), { minLength: minItems, maxLength: Math.min(maxItems, minItems + ITEMS_MAX) });
      case "object": {
        const own = fc.record(Object.fromEntries(Object.entries(properties).map(([name, one]) => [name, this.value(one)])), {
          requiredKeys: [...required],
        });
        if (typeof schema.additionalProperties !== "object") return own;
        return fc.dictionary(
          fc.string({ minLength: 1, maxLength: LENGTH_MAX }).filter((key) => key !== "__proto__"),
          this.value(schema.additionalProperties),
          { maxKeys: 3 },
        );
      }
      default:
        if (schema.pattern !== undefined) {
          return fc.stringMatching(new RegExp(schema.pattern)).map((text) => text.slice(0, schema.maxLength ?? Infinity));
        }
        return fc.string({ minLength, maxLength: Math.max(minLength, Math.min(maxLength, LENGTH_MAX)), unit: CHARACTERS });
    }
  }

  /** The call with one mistake, and the place that the refusal must name. */
  mistakes(
    operation: Operation,
    known: Readonly<Record<string, readonly string[]>>,
  ): fc.Arbitrary<{ readonly call: Call; readonly at: string }> {
    return this.calls(operation, known).chain((call) => {
      const unknown = fc.constant({ call: { ...call, query: { ...call.query, nonsense: "1" } }, at: "nonsense" });
      const numbers = operation.parameters.filter(({ in: where, schema }) => where !== "header" && this.resolve(schema).type === "integer")
        .map((one) => {
          const { minimum = -1e15, maximum = 1e15 } = this.resolve(one.schema);
          const outside = [minimum - 1, maximum + 1].filter(Number.isSafeInteger).map(String);
          const bad = fc.constantFrom("x", "1.5", "0x10", "1e2", " 1", "+1", "NaN", ...outside);
          return bad.map((text) => ({
            call: { ...call, [one.in]: { ...call[one.in as "path" | "query"], [one.name]: text } },
            at: one.name,
          }));
        });
      const inBody = operation.body === null ? [] : [this.#wrongBody(operation.body, call)];
      return fc.oneof(unknown, ...numbers, ...inBody);
    });
  }

  #wrongBody(schema: Schema, call: Call): fc.Arbitrary<{ readonly call: Call; readonly at: string }> {
    const places = [...pointers(call.body)];
    const misfits = fc.oneof(
      fc.constantFrom<unknown>(null, true, -1.5, "\u0000", {}, [], [[]], { nonsense: 1 }),
      fc.anything({ maxDepth: 1, withNullPrototype: false }).map(asJson),
    );
    return fc.tuple(fc.constantFrom(...places), misfits, fc.boolean()).map(([at, value, adds]) => {
      const place = adds ? places.find((one) => isObject(valueAt(call.body, one)) && at.startsWith(one)) ?? "" : at;
      const body = adds && isObject(valueAt(call.body, place)) ? put(call.body, `${place}/nonsense`, 1) : put(call.body, at, value);
      return { call: { ...call, body }, at: adds ? `${place}/nonsense` : at };
    }).filter(({ call }) => this.mismatch(schema, call.body) !== null);
  }
}

/** As it is after a trip through JSON. */
const asJson = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, one: unknown) => typeof one === "bigint" ? String(one) : one) ?? "null");
const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);

function* pointers(value: unknown, prefix = ""): Iterable<string> {
  yield prefix;
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value)) yield* pointers(inner, `${prefix}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`);
}

const keysOf = (pointer: string): string[] => pointer.split("/").slice(1).map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));

function valueAt(value: unknown, pointer: string): unknown {
  return keysOf(pointer).reduce<unknown>((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], value);
}

function put(value: unknown, pointer: string, inner: unknown): unknown {
  const keys = keysOf(pointer);
  if (keys.length === 0) return inner;
  const copy = structuredClone(value);
  const last = keys.pop()!;
  const holder = keys.reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], copy) as Record<string, unknown>;
  Object.defineProperty(holder, last, { value: inner, enumerable: true, configurable: true, writable: true });
  return copy;
}

export interface Answered {
  readonly status: number;
  readonly type: string;
  readonly body: unknown;
}

/** Sends the call over real HTTP. */
export async function send(base: string, { verb, path }: Operation, call: Call): Promise<Answered> {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(call.path[name]!));
  const query = new URLSearchParams(call.query).toString();
  const reply = await fetch(`${base}${filled}${query === "" ? "" : `?${query}`}`, {
    method: verb,
    ...(call.body !== undefined && { body: JSON.stringify(call.body), headers: { "content-type": "application/json" } }),
  });
  return { status: reply.status, type: reply.headers.get("content-type") ?? "", body: await reply.json() };
}

/** Why the reply is not what the document promises, or null. */
export function broken(document: Document, operation: Operation, { status, type, body }: Answered): string | null {
  const declared = operation.responses[status];
  if (declared === undefined) return `status ${status} is not declared: ${JSON.stringify(body)}`;
  const content = declared.content?.[type.split(";")[0]!.trim()];
  if (content === undefined) return `content type "${type}" is not declared for ${status}`;
  const mismatch = document.mismatch(content.schema, body);
  return mismatch === null ? null : `${mismatch}: ${JSON.stringify(body)}`;
}
