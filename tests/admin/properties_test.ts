import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Broker } from "../../mod.ts";
import type { FieldError, Problem } from "../../lib/admin/problem.ts";
import { broken, Document, type Operation, type RawDocument, type Schema, send } from "./openapi.ts";

/** A small node, so that what is generated cannot make it work for long. */
const settings = { "max.partitions.per.topic": "20", "max.partitions": "1000", "offsets.topic.num.partitions": "4" };
const KNOWN = { topic: ["orders", "payments"], partition: ["0", "1"], broker: ["1"], group: ["billing"] };
const RUNS = 30;

const broker = await Broker.start({ storage: "memory", admin: "127.0.0.1:0", settings });
const base = `http://127.0.0.1:${broker.adminAddress!.port}`;
const raw = await (await fetch(`${base}/v1/openapi.json`)).json() as RawDocument;
const document = new Document(raw);
afterAll(() => broker.close());

/** What operations work on; some of them delete it. */
async function seed(): Promise<void> {
  for (const topic of KNOWN.topic) {
    const reply = await fetch(`${base}/v1/topics/${topic}`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({}),
    });
    expect(reply.ok).toBe(true);
  }
  const reset = await fetch(`${base}/v1/groups/billing/offsets/reset`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ to: { kind: "earliest" }, topics: [{ topic: "orders", partitions: [0] }] }),
  });
  expect(reset.ok).toBe(true);
}
beforeAll(seed);

describe("the OpenAPI document", () => {
  test("is of version 3.1 and names every operation once", () => {
    expect(raw.openapi).toBe("3.1.0");
    const ids = document.operations.map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("describes every operation and parameter, with an example", () => {
    const silent = document.operations.flatMap((operation) => [
      ...(operation.summary && operation.description && operation.tags?.length === 1 ? [] : [operation.operationId]),
      ...operation.parameters.filter(({ schema, description }) => !description || !hasExample(schema)).map(({ name }) =>
        `${operation.operationId} ${name}`
      ),
    ]);
    expect(silent).toEqual([]);
  });

  test("describes every field, with an example", () => {
    const silent: string[] = [];
    const look = (schema: Schema, path: string): void => {
      for (const [name, one] of Object.entries(schema.properties ?? {})) {
        const known = document.resolve(one);
        if (!(one.description ?? known.description ?? one.allOf?.find((part) => part.description)?.description)) {
          silent.push(`${path}.${name}: description`);
        }
        if (one.$ref === undefined && !isNested(one) && !hasExample(one)) silent.push(`${path}.${name}: example`);
        if (one.$ref === undefined) look(one, `${path}.${name}`);
      }
      for (const one of [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])]) {
        if (one.$ref === undefined) look(one, path);
      }
      if (schema.items !== undefined && schema.items.$ref === undefined) look(schema.items, `${path}[]`);
      if (typeof schema.additionalProperties === "object") look(schema.additionalProperties, `${path}.*`);
    };
    for (const [name, schema] of Object.entries(raw.components.schemas)) look(schema, name);
    for (const { operationId, body } of document.operations) if (body !== null && body.$ref === undefined) look(body, operationId);
    expect(silent).toEqual([]);
  });

  const hasExample = (schema: Schema): boolean => {
    const { example, examples, enum: values } = document.resolve(schema);
    return example !== undefined || (examples?.length ?? 0) > 0 || values !== undefined || schema.const !== undefined;
  };
  const isNested = (schema: Schema): boolean =>
    [schema.anyOf, schema.oneOf, schema.allOf].some((branches) =>
      branches?.some((one) => one.$ref !== undefined || one.properties !== undefined)
    );
});

const title = ({ verb, path }: Operation) => `${verb} ${path}`;

describe("calls that the document allows", () => {
  for (const operation of document.operations) {
    test(`${title(operation)} never fails and answers as it promises`, async () => {
      await fc.assert(
        fc.asyncProperty(document.calls(operation, KNOWN), async (call) => {
          const reply = await send(base, operation, call);
          expect(broken(document, operation, reply)).toBeNull();
          expect(reply.status).toBeLessThan(500);
        }),
        { numRuns: RUNS },
      );
      await seed();
    }, 30_000);
  }
});

describe("calls with a mistake", () => {
  for (const operation of document.operations) {
    test(`${title(operation)} names it, and does nothing`, async () => {
      await fc.assert(
        fc.asyncProperty(document.mistakes(operation, KNOWN), async ({ call, at }) => {
          const reply = await send(base, operation, call);
          expect(broken(document, operation, reply)).toBeNull();
          const { status, detail, errors = [] } = reply.body as Problem;
          expect({ status, reply: reply.body }).toEqual({ status: 400, reply: expect.anything() });
          expect(detail.length).toBeGreaterThan(10);
          expect(errors.length).toBeGreaterThan(0);
          // A mistake deep inside may show higher up: the whole fits none of the forms.
          const isNamed = ({ path }: FieldError) => path === at || at.startsWith(`${path}/`) || path.startsWith(`${at}/`) || path === "";
          expect({ at, errors, named: errors.some(isNamed) }).toEqual({ at, errors, named: true });
        }),
        { numRuns: RUNS },
      );
    }, 30_000);
  }
});
