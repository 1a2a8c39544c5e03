/**
 * A tier that is small enough to know everything about it: one counter, clients that add to it, a node that may be killed. Its bug: a kill
 * within `windowMs` after an addition loses it although it was acknowledged.
 */
import { type Fault, type Plan, type RunResult, type Tier, World } from "../../lib/sim/mod.ts";

export interface ToyOptions {
  /** 0: no bug. */
  readonly windowMs?: number;
  /** Draws from outside of the world: the same plan is not the same run. */
  readonly leaks?: () => number;
  /** Rejects a promise that nobody looks at when the register has this value. */
  readonly rejectsAt?: number;
}

export function toyTier({ windowMs = 0, leaks, rejectsAt }: ToyOptions = {}): Tier {
  return {
    name: "storage",
    plan(seed) {
      const draws = new World(seed).draws("plan");
      const kinds = ["kill", "pause", "diskFull", "syncFails"] as const;
      const faults = Array.from({ length: draws.below(20) }, (): Fault => {
        const at = draws.between(0, 2000);
        const kind = draws.pick(kinds);
        return kind === "syncFails" ? { at, kind, node: 1 } : { at, kind, node: 1 + draws.below(3), forMs: draws.between(1, 100) };
      });
      return {
        tier: "storage",
        seed,
        horizonMs: 2000,
        nodes: 5,
        knobs: { segmentBytes: 4096, window: draws.below(10) },
        workloads: [{ kind: "write", clients: 3, operations: 50, knobs: { size: 10 } }, {
          kind: "read",
          clients: 2,
          operations: 20,
          knobs: {},
        }],
        faults: faults.sort((a, b) => a.at - b.at),
      };
    },
    run: (plan, trace = false) => run(plan, trace, windowMs, leaks, rejectsAt),
  };
}

function run(plan: Plan, trace: boolean, windowMs: number, leaks?: () => number, rejectsAt?: number): RunResult {
  const world = new World(plan.seed);
  if (trace) world.trace.keep();
  let [value, writtenAt, acknowledged] = [0, -Infinity, 0];
  const write = (client: number, left: number): void => {
    if (left === 0) return;
    world.after(world.draws(`client/${client}`).between(1, 100) + (leaks?.() ?? 0), "write", null, () => {
      acknowledged++;
      value++;
      writtenAt = world.now;
      if (acknowledged === rejectsAt) void Promise.reject(new RangeError("nobody looks at this"));
      write(client, left - 1);
    });
  };
  for (const { kind, clients, operations } of plan.workloads) {
    if (kind === "write") { for (let client = 0; client < clients; client++) write(client, operations); }
  }
  for (const fault of plan.faults) {
    world.after(fault.at, fault.kind, null, () => {
      world.mark(`toy.${fault.kind}`);
      if (fault.kind === "kill" && world.now - writtenAt < windowMs) value--;
    });
  }
  world.run(plan.horizonMs);
  if (value < acknowledged) world.fail(`Acknowledged ${acknowledged}, found ${value} at ${world.now.toFixed(1)} ms`);
  return {
    violation: world.violation?.message ?? null,
    hash: world.trace.hash,
    events: world.events,
    virtualMs: world.now,
    marks: world.marks,
    counts: { acknowledged },
    lines: world.trace.lines,
  };
}
