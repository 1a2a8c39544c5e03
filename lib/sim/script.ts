/**
 * A plan as a file for people: JSON with the reason at its head, one fault a line, always in the same order. Reading it back checks everything,
 * because people edit it.
 */
import type { Fault, Plan, TierName, WorkloadPlan } from "./plan.ts";

export interface Script {
  /** Which promise was broken, and by what; one line. */
  readonly why: string;
  readonly plan: Plan;
}

/** What is wrong with the file, and where in it. */
export class ScriptRefused extends Error {
  override readonly name = "ScriptRefused";
}

export function formatScript({ why, plan }: Script): string {
  const { tier, seed, horizonMs, nodes, knobs } = plan;
  const list = (items: readonly object[]): string =>
    items.length === 0 ? "[]" : `[\n${items.map((item) => `    ${line(item)}`).join(",\n")}\n  ]`;
  const fields = [
    `"why": ${JSON.stringify(why.split("\n")[0])}`,
    `"tier": "${tier}"`,
    `"seed": ${seed}`,
    `"horizonMs": ${horizonMs}`,
    `"nodes": ${nodes}`,
    `"knobs": ${line(sorted(knobs))}`,
    `"workloads": ${
      list(plan.workloads.map(({ kind, clients, operations, knobs }) => ({ kind, clients, operations, knobs: sorted(knobs) })))
    }`,
    `"faults": ${list(plan.faults.map(ordered).toSorted((a, b) => a.at - b.at))}`,
  ];
  return `{\n  ${fields.join(",\n  ")}\n}\n`;
}

const line = (item: object): string => {
  const pairs = Object.entries(item).map(([name, value]) => `"${name}": ${isObject(value) ? line(value) : JSON.stringify(value)}`);
  return pairs.length === 0 ? "{}" : `{ ${pairs.join(", ")} }`;
};

const sorted = (knobs: Readonly<Record<string, number>>): Readonly<Record<string, number>> =>
  Object.fromEntries(Object.entries(knobs).sort(([a], [b]) => a < b ? -1 : 1));

function ordered(fault: Fault): Fault {
  const values = fault as unknown as Readonly<Record<string, unknown>>;
  return Object.fromEntries(["at", "kind", ...fieldsOf(fault.kind)].map((name) => [name, values[name]])) as unknown as Fault;
}

/** @throws {ScriptRefused} with the place in the file and what is wrong there. */
export function parseScript(text: string): Script {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ScriptRefused(`Cannot read the script: it is no JSON: ${(error as Error).message}`);
  }
  const file = record("", value, ["why", "tier", "seed", "horizonMs", "nodes", "knobs", "workloads", "faults"]);
  const why = string("why", file["why"]);
  if (why.trim() === "") refuse("why", "say which promise was broken");
  const tier = string("tier", file["tier"]);
  if (!TIER_NAMES.includes(tier as TierName)) refuse("tier", `accepted are ${TIER_NAMES.join(", ")}`);
  const nodes = whole("nodes", file["nodes"], 1);
  return {
    why,
    plan: {
      tier: tier as TierName,
      seed: whole("seed", file["seed"], 0),
      horizonMs: number("horizonMs", file["horizonMs"], 0),
      nodes,
      knobs: knobsAt("knobs", file["knobs"]),
      workloads: list("workloads", file["workloads"]).map((one, at) => workloadAt(`workloads[${at}]`, one)),
      faults: list("faults", file["faults"]).map((one, at) => faultAt(`faults[${at}]`, one, nodes)),
    },
  };
}

const TIER_NAMES: readonly TierName[] = ["raft", "metadata", "storage", "broker"];

/** What each fault has beside `at` and `kind`. */
type FieldsOf<F, Kind> = F extends { readonly kind: infer Own } ? Kind extends Own ? Exclude<keyof F, "at" | "kind"> : never : never;
const FAULTS: { readonly [Kind in Fault["kind"]]: readonly FieldsOf<Fault, Kind>[] } = {
  kill: ["node", "forMs"],
  powerLoss: ["node", "forMs"],
  pause: ["node", "forMs"],
  stop: ["node", "forMs"],
  wallJump: ["node", "deltaMs"],
  drift: ["node", "forMs", "rate"],
  clientPause: ["machine", "forMs"],
  clientDrift: ["machine", "forMs", "rate"],
  syncFails: ["node"],
  syncStalls: ["node", "forMs"],
  syncLies: ["node", "forMs"],
  diskSlow: ["node", "forMs", "factor"],
  diskFull: ["node", "forMs"],
  writeFails: ["node"],
  readFails: ["node"],
  bitRot: ["node"],
  reset: ["node"],
  cut: ["from", "to", "forMs"],
  leaderCut: ["messages", "forMs"],
  halfOpen: ["from", "to"],
  throttle: ["from", "to", "forMs", "bytesPerMs"],
};

/** Checked like this wherever they occur; all others are numbers from 0. */
const FIELDS: Readonly<Record<string, (where: string, value: unknown, nodes: number) => void>> = {
  node: (where, value, nodes) => {
    if (whole(where, value, 1) > nodes) refuse(where, `there are ${nodes} nodes`);
  },
  machine: (where, value) => void string(where, value),
  from: (where, value) => void string(where, value),
  to: (where, value) => void string(where, value),
  deltaMs: (where, value) => void number(where, value, -Infinity),
};

function fieldsOf(kind: string): readonly string[] {
  return Object.hasOwn(FAULTS, kind) ? FAULTS[kind as Fault["kind"]] : [];
}

function faultAt(where: string, value: unknown, nodes: number): Fault {
  if (!isObject(value)) refuse(where, "must be an object");
  const kind = string(`${where}.kind`, (value as { readonly kind?: unknown }).kind);
  if (!Object.hasOwn(FAULTS, kind)) refuse(`${where}.kind`, `there is no fault "${kind}", there are ${Object.keys(FAULTS).join(", ")}`);
  const fault = record(where, value, ["at", "kind", ...fieldsOf(kind)]);
  number(`${where}.at`, fault["at"], 0);
  for (const name of fieldsOf(kind)) (FIELDS[name] ?? positive)(`${where}.${name}`, fault[name], nodes);
  return fault as unknown as Fault;
}

function workloadAt(where: string, value: unknown): WorkloadPlan {
  const workload = record(where, value, ["kind", "clients", "operations", "knobs"]);
  return {
    kind: string(`${where}.kind`, workload["kind"]),
    clients: whole(`${where}.clients`, workload["clients"], 0),
    operations: whole(`${where}.operations`, workload["operations"], 0),
    knobs: knobsAt(`${where}.knobs`, workload["knobs"]),
  };
}

function knobsAt(where: string, value: unknown): Readonly<Record<string, number>> {
  if (!isObject(value)) refuse(where, "must be an object of names and numbers");
  for (const [name, knob] of Object.entries(value as object)) number(`${where}.${name}`, knob, -Infinity);
  return value as Readonly<Record<string, number>>;
}

/** An object with exactly these fields. */
function record(where: string, value: unknown, fields: readonly string[]): Readonly<Record<string, unknown>> {
  if (!isObject(value)) refuse(where, "must be an object");
  const found = value as Readonly<Record<string, unknown>>;
  const path = (name: string): string => where === "" ? name : `${where}.${name}`;
  for (const name of Object.keys(found)) if (!fields.includes(name)) refuse(path(name), `unknown, there are ${fields.join(", ")}`);
  for (const name of fields) if (found[name] === undefined) refuse(path(name), "missing");
  return found;
}

function list(where: string, value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : refuse(where, "must be a list");
}

function string(where: string, value: unknown): string {
  return typeof value === "string" ? value : refuse(where, "must be a text");
}

const positive = (where: string, value: unknown): void => void number(where, value, 0);

function number(where: string, value: unknown, min: number): number {
  if (typeof value !== "number") return refuse(where, "must be a number");
  return value >= min ? value : refuse(where, `must be at least ${min}`);
}

function whole(where: string, value: unknown, min: number): number {
  const found = number(where, value, min);
  return Number.isSafeInteger(found) ? found : refuse(where, "must be a whole number");
}

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null && !Array.isArray(value);

function refuse(where: string, what: string): never {
  throw new ScriptRefused(`Cannot use the script: ${where === "" ? "the file" : where}: ${what}`);
}
