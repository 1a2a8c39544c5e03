/**
 * Requests to the HTTP side of a whole node in memory, made by its own OpenAPI document and then damaged: paths, queries, headers, bodies. What right
 * and wrong calls are answered is tests/admin/properties_test.ts; here nothing may make the node fail. Never 5xx; a refusal is a problem that says
 * what to do, and has changed nothing.
 */
import fc from "fast-check";
import { type Call, Document, type Operation, type RawDocument } from "../../admin/openapi.ts";
import type { Draws } from "../../../lib/sim/random.ts";
import { type InMemoryNode, startInMemory, TOPICS } from "../in_memory_node.ts";
import { bytesOf, damaged, someText, textOf } from "../text.ts";
import { type Input, must, type Target } from "../target.ts";

const KNOWN = { topic: TOPICS, partition: ["0", "1"], broker: ["1"], group: ["billing"] };
const WORDS = [
  "orders",
  "0",
  "1",
  "true",
  "*",
  "..",
  "%2e%2e",
  "%00",
  "%",
  "%zz",
  "{}",
  "[]",
  "null",
  '"x"',
  "1.5",
  "1e9",
  "-0",
  "?",
  "&a=b",
  "/",
];
const TYPES = [
  ...Array<string>(12).fill("application/json"),
  "text/plain",
  "application/x-www-form-urlencoded",
  "",
  "application/json; charset=x",
];
/** A new node after so many inputs: topics add up. */
const INPUTS_PER_NODE = 3_000;

let node: InMemoryNode | null = null;
let inputs = 0;
let document: Document | null = null;

/** Made once: that takes longer than a call. */
const callsOf = new Map<Operation, fc.Arbitrary<Call>>();

interface Sent {
  readonly method: string;
  /** With query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

export const http: Target = {
  name: "http",
  inputsInTest: 250,
  async open() {
    node = await startInMemory();
    document ??= new Document(await (await node.http("/v1/openapi.json")).json() as RawDocument);
  },
  generate(draws) {
    return { about: {}, bytes: bytesOf(JSON.stringify(someRequest(draws))) };
  },
  async check(input) {
    await ask(input);
    if (++inputs % INPUTS_PER_NODE !== 0) return;
    await node!.node.stop(1_000);
    node = await startInMemory();
  },
  *smaller({ about, bytes }) {
    const sent = JSON.parse(textOf(bytes)) as Sent;
    for (const field of ["body", "path"] as const) {
      const text = sent[field] ?? "";
      for (let length = text.length; length >= 1; length >>= 1) {
        for (let at = field === "path" ? 1 : 0; at + length <= text.length; at += length) {
          yield { about, bytes: bytesOf(JSON.stringify({ ...sent, [field]: text.slice(0, at) + text.slice(at + length) })) };
        }
      }
    }
  },
  async close() {
    await node!.node.stop(1_000);
  },
};

function someRequest(draws: Draws): Sent {
  const operation = draws.pick(document!.operations);
  let calls = callsOf.get(operation);
  if (calls === undefined) callsOf.set(operation, calls = document!.calls(operation, KNOWN));
  const [call] = fc.sample(calls, { seed: draws.below(2 ** 31), numRuns: 1 });
  const { path, query, body } = call!;
  const filled = operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    return draws.chance(0.2) ? someText(draws, WORDS) : encodeURIComponent(path[name]!);
  });
  const pairs = Object.entries(query).map(([name, value]) =>
    `${name}=${draws.chance(0.3) ? someText(draws, WORDS) : encodeURIComponent(value)}`
  );
  if (draws.chance(0.2)) pairs.push(`${someText(draws, ["limit", "timeoutMs", "cursor", "x"])}=${someText(draws, WORDS)}`);
  const text = body === undefined ? null : JSON.stringify(body) ?? null;
  return {
    method: draws.chance(0.95) ? operation.verb : draws.pick(["POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"]),
    path: `${draws.chance(0.1) ? damaged(filled, draws) : filled}${pairs.length === 0 ? "" : `?${pairs.join("&")}`}`,
    headers: headersOf(draws, operation),
    body: text !== null && draws.chance(0.6) ? damagedBody(text, draws) : text,
  };
}

function headersOf(draws: Draws, { parameters }: Operation): Readonly<Record<string, string>> {
  const headers: Record<string, string> = { "content-type": draws.pick(TYPES) };
  for (const { name, in: where } of parameters) {
    if (where === "header" && draws.chance(0.3)) headers[name] = draws.pick(["a", "a", "b", "x".repeat(300), '"', "\t"]);
  }
  if (draws.chance(0.05)) headers["origin"] = draws.pick(["http://evil.example", "null", "http://127.0.0.1:8080"]);
  return headers;
}

function damagedBody(text: string, draws: Draws): string {
  switch (draws.below(4)) {
    case 0:
      return text.slice(0, draws.below(text.length + 1));
    case 1: {
      // Another value somewhere.
      const value = draws.pick([
        "null",
        "-1",
        "1e308",
        "9007199254740993",
        '""',
        '"\\u0000"',
        "[]",
        "{}",
        "true",
        '"' + "x".repeat(5_000) + '"',
        "[[[[[[]]]]]]",
      ]);
      const places = [...text.matchAll(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?|true|false|null/g)];
      const place = places.length === 0 ? null : draws.pick(places);
      return place === null ? value : text.slice(0, place.index) + value + text.slice(place.index + place[0].length);
    }
    case 2:
      return draws.pick(["", "[", "{", "null", "[]", "\uFEFF{}", "{}{}", '{"__proto__":{"a":1}}', `${"[".repeat(5_000)}`, '{"a":1,"a":2}']);
    default:
      return damaged(text, draws);
  }
}

async function ask({ bytes }: Input): Promise<void> {
  const { method, path, headers, body } = JSON.parse(textOf(bytes)) as Sent;
  const before = stateOf();
  let request: [string, RequestInit];
  try {
    request = [path, { method, headers, ...(body !== null && method !== "GET" && method !== "HEAD" && { body }) }];
    new Request(`http://127.0.0.1:8080${path}`, request[1]);
  } catch (error) {
    // No client could send it.
    if (error instanceof TypeError) return;
    throw error;
  }
  const reply = await node!.http(...request);
  const type = reply.headers.get("content-type") ?? "";
  const text = await reply.text();
  must(node!.fatal.length === 0, () => `The node stopped: ${node!.fatal.join("; ")}`);
  must(reply.status < 500, () => `${reply.status}: ${text.slice(0, 500)}`);
  if (reply.status < 400) return;
  must(type.startsWith("application/problem+json"), () => `A refusal (${reply.status}) of type "${type}"`);
  if (method !== "HEAD") {
    const problem = JSON.parse(text) as { readonly title?: string; readonly detail?: string; readonly status?: number };
    must((problem.detail?.length ?? 0) > 10 && problem.status === reply.status, () => `A refusal that says nothing: ${text}`);
  }
  // Several at once are answered one by one, with a status of their own.
  must(stateOf() === before, () => `A refusal (${reply.status}) that changed something: ${text}`);
}

/** What changes with every topic, setting and record. */
function stateOf(): string {
  const { controller, services } = node!.node;
  const ends = [...services.storage.logs()].reduce((sum, { logEndOffset, logStartOffset }) => sum + logEndOffset + logStartOffset, 0);
  return `${controller.image.index}/${ends}`;
}
