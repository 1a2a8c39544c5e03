/**
 * From a plan that violates a promise to a smaller one that violates the same promise: what is left is what it takes. Tries, never reasons:
 * whatever still fails in the same way is kept (delta debugging, Zeller and Hildebrandt 2002).
 */
import type { Fault, Plan, WorkloadPlan } from "./plan.ts";

/** What makes two violations the same: the first line of the sentence, without what differs from run to run. */
export function keyOf(violation: string): string {
  return violation.split("\n")[0]!
    .replace(/~[0-9a-z]{7,}~/g, "#")
    .replace(/\b[A-Za-z0-9_-]{22}\b/g, "#")
    .replace(/\b[0-9a-f]{16}\b/g, "#")
    .replace(/\d+(?:[.,]\d+)*/g, "#")
    .replace(/#(?:, ?#)+/g, "#")
    .slice(0, 200);
}

export interface ShrinkOptions {
  /** Runs the plan; null when it holds. */
  readonly attempt: (plan: Plan) => Promise<string | null>;
  readonly runsMax: number;
  /** Asked before every run. */
  readonly stopped?: () => boolean;
  /** Told of every smaller plan that still fails. */
  readonly tell?: (step: string, plan: Plan, runs: number) => void;
}

export interface Shrunk {
  readonly plan: Plan;
  /** Of the plan. */
  readonly violation: string;
  readonly runs: number;
  /** False: it ended because of `runsMax` or `stopped`; more might be possible. */
  readonly finished: boolean;
}

export async function shrink(plan: Plan, violation: string, options: ShrinkOptions): Promise<Shrunk> {
  const search = new Search(plan, violation, options);
  let before;
  do {
    before = search.plan;
    for (const step of [horizon, faultClasses, faults, nodes, workloads, operations, knobs, roundTimes]) await step(search);
  } while (search.plan !== before && !search.ended);
  return { plan: search.plan, violation: search.violation, runs: search.runs, finished: !search.ended };
}

class Search {
  readonly #options: ShrinkOptions;
  readonly #key: string;
  /** Plans that were run, as text. */
  readonly #tried = new Set<string>();
  plan: Plan;
  violation: string;
  runs = 0;
  ended = false;

  constructor(plan: Plan, violation: string, options: ShrinkOptions) {
    this.plan = plan;
    this.violation = violation;
    this.#options = options;
    this.#key = keyOf(violation);
    this.#tried.add(JSON.stringify(plan));
  }

  /** Whether the plan fails in the same way; then it is the one to go on with. */
  async take(step: string, plan: Plan): Promise<boolean> {
    const text = JSON.stringify(plan);
    if (this.ended || this.#tried.has(text)) return false;
    if (this.runs >= this.#options.runsMax || this.#options.stopped?.() === true) {
      this.ended = true;
      return false;
    }
    this.#tried.add(text);
    this.runs++;
    const violation = await this.#options.attempt(plan);
    if (violation === null || keyOf(violation) !== this.#key) return false;
    this.plan = plan;
    this.violation = violation;
    this.#options.tell?.(step, plan, this.runs);
    return true;
  }

  change(step: string, change: Partial<Plan>): Promise<boolean> {
    return this.take(step, { ...this.plan, ...change });
  }
}

/** Shorter than this and no node has started. */
const HORIZON_STEP_MS = 50;

async function horizon(search: Search): Promise<void> {
  let holds = 0;
  while (search.plan.horizonMs - holds > HORIZON_STEP_MS && !search.ended) {
    const horizonMs = Math.ceil((holds + search.plan.horizonMs) / 2);
    const early = search.plan.faults.filter(({ at }) => at < horizonMs);
    if (!await search.change("horizon", { horizonMs, faults: early })) holds = horizonMs;
  }
}

async function faultClasses(search: Search): Promise<void> {
  await search.change("no faults", { faults: [] });
  for (const kind of new Set(search.plan.faults.map((fault) => fault.kind))) {
    await search.change(`no ${kind}`, { faults: search.plan.faults.filter((fault) => fault.kind !== kind) });
  }
}

const faults = (search: Search): Promise<void> =>
  parts(search, () => search.plan.faults, (left) => search.change("fewer faults", { faults: left }));

/** ddmin: tries to do without ever smaller parts of a list. @param now what is left of it. */
async function parts<T>(search: Search, now: () => readonly T[], take: (left: readonly T[]) => Promise<boolean>): Promise<void> {
  for (let size = Math.ceil(now().length / 2); size >= 1 && !search.ended; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < now().length && !search.ended;) {
      if (!await take(now().toSpliced(at, size))) at += size;
    }
  }
}

/** Quorums have odd sizes; below three there is none to speak of. */
const NODES_MIN = 3;

async function nodes(search: Search): Promise<void> {
  for (let count = NODES_MIN; count < search.plan.nodes && !search.ended; count += 2) {
    const fits = (fault: Fault): boolean => !("node" in fault) || fault.node <= count;
    if (await search.change("fewer nodes", { nodes: count, faults: search.plan.faults.filter(fits) })) return;
  }
}

async function workloads(search: Search): Promise<void> {
  for (let at = search.plan.workloads.length - 1; at >= 0 && search.plan.workloads.length > 1; at--) {
    await search.change("fewer workloads", { workloads: search.plan.workloads.toSpliced(at, 1) });
  }
  for (const at of search.plan.workloads.keys()) {
    await lowest(search, "fewer clients", at, "clients");
  }
}

async function operations(search: Search): Promise<void> {
  for (const at of search.plan.workloads.keys()) await lowest(search, "fewer operations", at, "operations");
}

/** One, or the smallest number that still fails, by bisection. */
async function lowest(search: Search, step: string, workload: number, field: "clients" | "operations"): Promise<void> {
  if (search.plan.workloads[workload]![field] > 1) await changeWorkload(search, step, workload, { [field]: 1 });
  let holds = 0;
  for (;;) {
    const now = search.plan.workloads[workload]![field];
    if (now - holds <= 1 || search.ended) return;
    const less = Math.ceil((holds + now) / 2);
    if (less === now || !await changeWorkload(search, step, workload, { [field]: less })) holds = less;
  }
}

function changeWorkload(search: Search, step: string, at: number, change: Partial<WorkloadPlan>): Promise<boolean> {
  const changed = search.plan.workloads.map((one, index) => index === at ? { ...one, ...change } : one);
  return search.change(step, { workloads: changed });
}

/** A knob that is not named has the product's own value. */
async function knobs(search: Search): Promise<void> {
  await search.change("no knobs", { knobs: {} });
  await parts(search, () => Object.entries(search.plan.knobs), (left) => search.change("fewer knobs", { knobs: Object.fromEntries(left) }));
  for (const at of search.plan.workloads.keys()) {
    const change = (left: readonly (readonly [string, number])[]): Promise<boolean> =>
      changeWorkload(search, "fewer knobs of a workload", at, { knobs: Object.fromEntries(left) });
    await change([]);
    await parts(search, () => Object.entries(search.plan.workloads[at]!.knobs), change);
  }
}

/** Whole milliseconds are easier to read: all at once, else one by one. */
async function roundTimes(search: Search): Promise<void> {
  if (await search.change("whole milliseconds", { faults: search.plan.faults.map(rounded) })) return;
  for (const at of search.plan.faults.keys()) {
    await search.change("whole milliseconds", { faults: search.plan.faults.with(at, rounded(search.plan.faults[at]!)) });
  }
}

function rounded(fault: Fault): Fault {
  return { ...fault, at: Math.round(fault.at), ..."forMs" in fault ? { forMs: Math.max(1, Math.round(fault.forMs)) } : {} } as Fault;
}
