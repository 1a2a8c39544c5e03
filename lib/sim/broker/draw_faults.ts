/** Which faults a seed brings: first which classes there are at all, then how often, then when (swarm). Data only. */
import type { Fault, ProcessFault } from "../plan.ts";
import type { Draws } from "../random.ts";

interface Situation {
  readonly horizonMs: number;
  /** Names of the clients' machines. */
  readonly clients: readonly string[];
}

type Make = (draws: Draws, at: number, clients: readonly string[]) => Fault | readonly Fault[];

const NODE = "node1";
const node = 1;
/** No fault in the first moments: the first start is to get somewhere. */
const FIRST_AT_MS = 200;

const lasting = (draws: Draws, longest: number): number => Math.round(draws.skewed(10, longest));

/** A second end follows so soon that it finds the start of the next process under way. */
const DURING_START_CHANCE = 0.2;
const DURING_START_MS_MAX = 80;

function ended(draws: Draws, fault: ProcessFault & { readonly kind: "kill" | "powerLoss" }): readonly Fault[] {
  if (!draws.chance(DURING_START_CHANCE)) return [fault];
  const at = fault.at + fault.forMs + draws.skewed(0.1, DURING_START_MS_MAX);
  const kind = draws.chance(0.7) ? "powerLoss" : fault.kind;
  return [fault, { kind, at, node, forMs: lasting(draws, 1_000) }];
}

/** By class: the most of them in a run, and one of them. */
const CLASSES: Readonly<Record<string, readonly [most: number, make: Make]>> = {
  kill: [8, (draws, at) => ended(draws, { kind: "kill", at, node, forMs: lasting(draws, 3_000) })],
  powerLoss: [8, (draws, at) => ended(draws, { kind: "powerLoss", at, node, forMs: lasting(draws, 3_000) })],
  stop: [5, (draws, at) => ({ kind: "stop", at, node, forMs: lasting(draws, 2_000) })],
  pause: [6, (draws, at) => ({ kind: "pause", at, node, forMs: lasting(draws, 5_000) })],
  wallJump: [
    4,
    (draws, at) => ({ kind: "wallJump", at, node, deltaMs: Math.round(draws.skewed(10, 7_200_000)) * (draws.chance(0.5) ? 1 : -1) }),
  ],
  drift: [3, (draws, at) => ({ kind: "drift", at, node, forMs: lasting(draws, 10_000), rate: draws.between(0.8, 1.25) })],
  reset: [10, (_, at) => ({ kind: "reset", at, node })],
  cut: [6, (draws, at, clients) => {
    const [from, to] = direction(draws, clients);
    const forMs = lasting(draws, 8_000);
    return draws.chance(0.5)
      ? { kind: "cut", at, from, to, forMs }
      : [{ kind: "cut", at, from, to, forMs }, { kind: "cut", at, from: to, to: from, forMs }];
  }],
  halfOpen: [6, (draws, at, clients) => {
    const [from, to] = direction(draws, clients);
    return { kind: "halfOpen", at, from, to };
  }],
  throttle: [4, (draws, at, clients) => {
    const [from, to] = direction(draws, clients);
    return { kind: "throttle", at, from, to, forMs: lasting(draws, 8_000), bytesPerMs: draws.skewed(0.5, 500) };
  }],
  clientPause: [6, (draws, at, clients) => ({ kind: "clientPause", at, machine: draws.pick(clients), forMs: lasting(draws, 15_000) })],
  clientDrift: [
    3,
    (draws, at, clients) => ({
      kind: "clientDrift",
      at,
      machine: draws.pick(clients),
      forMs: lasting(draws, 10_000),
      rate: draws.between(0.8, 1.25),
    }),
  ],
  syncFails: [3, (_, at) => ({ kind: "syncFails", at, node })],
  syncStalls: [
    4,
    (draws, at) => ({
      kind: "syncStalls",
      at,
      node,
      forMs: draws.chance(0.35) ? lasting(draws, 12_000) : Math.round(draws.skewed(500, 6_000)),
    }),
  ],
  diskSlow: [3, (draws, at) => ({ kind: "diskSlow", at, node, forMs: lasting(draws, 6_000), factor: draws.skewed(2, 100) })],
  diskFull: [4, (draws, at) => ({ kind: "diskFull", at, node, forMs: lasting(draws, 4_000) })],
  writeFails: [3, (_, at) => ({ kind: "writeFails", at, node })],
  readFails: [3, (_, at) => ({ kind: "readFails", at, node })],
  bitRot: [2, (_, at) => ({ kind: "bitRot", at, node })],
  syncLies: [2, (draws, at) => ({ kind: "syncLies", at, node, forMs: lasting(draws, 10_000) })],
};

/**
 * By class, of the share of others. Where data is damaged and there is no other copy, a run may come to nothing; while the disk stalls clients wait
 * longer than they want to, and the most different things come together.
 */
const SHARES: Readonly<Record<string, number>> = { bitRot: 0.2, syncStalls: 2.5 };

export function drawFaults(draws: Draws, { horizonMs, clients }: Situation): readonly Fault[] {
  const share = draws.pick([0, 0.1, 0.25, 0.5]);
  const faults: Fault[] = [];
  for (const [kind, [most, make]] of Object.entries(CLASSES)) {
    const isOn = draws.chance(share * (SHARES[kind] ?? 1));
    const count = 1 + draws.below(most);
    for (let left = count; isOn && left > 0; left--) {
      const at = Math.round(draws.between(FIRST_AT_MS, horizonMs));
      faults.push(...[make(draws, at, clients)].flat());
    }
  }
  return decidable(faults).sort((a, b) => a.at - b.at);
}

/** What a disk loses that lied of its syncs nobody can know: it lies only where the power stays. */
function decidable(faults: readonly Fault[]): Fault[] {
  const lies = faults.some(({ kind }) => kind === "syncLies");
  return faults.filter(({ kind }) => !lies || kind !== "powerLoss");
}

function direction(draws: Draws, clients: readonly string[]): readonly [from: string, to: string] {
  const client = draws.pick(clients);
  return draws.chance(0.5) ? [NODE, client] : [client, NODE];
}
