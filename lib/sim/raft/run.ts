/** One run of a plan: the nodes, the faults in their time, the proposers; then healed nodes must agree again. */
import { nodeId } from "../../protocol/mod.ts";
import type { Fault, Plan, RunResult } from "../plan.ts";
import type { Draws } from "../random.ts";
import { World } from "../world.ts";
import { type Knobs, knobsOf } from "./knobs.ts";
import { Links } from "./links.ts";
import type { Hosted, Hosting, Member, Outcome, Setting } from "./member.ts";
import { Oracles } from "./oracles.ts";

/** Virtual time for everything to come right once it was healed; it takes a fraction of it. */
const HEALED_MS = 120_000;
/** How often the healed nodes are asked for more. */
const ASK_MS = 50;
/** Times of refusing votes after which a leader that hears nobody has resigned; clocks drift, timers are late. */
const RESIGNS_WITHIN = 3;
/** How many more entries a healed majority must commit. */
const MORE = 3;

export function runRaft(hosting: Hosting, plan: Plan, trace = false): RunResult {
  const world = new World(plan.seed);
  if (trace) world.trace.keep();
  const run = new Run(world, hosting(world), plan, knobsOf(plan.knobs));
  run.faults();
  run.recovery();
  return world.result(run.counts);
}

class Run {
  readonly #world: World;
  readonly #plan: Plan;
  readonly #knobs: Knobs;
  readonly #oracles: Oracles;
  readonly #links: Links;
  readonly #members: readonly Member[];
  readonly #chaos: Draws;
  /** Nobody restarts, resumes or fails because of a fault any more. */
  #healed = false;
  #proposals = 0;
  readonly #told = { committed: 0, unknown: 0 };

  constructor(world: World, hosted: Hosted, plan: Plan, knobs: Knobs) {
    this.#world = world;
    this.#plan = plan;
    this.#knobs = knobs;
    this.#oracles = new Oracles(world, knobs.world.flap, hosted.stateOf);
    this.#links = new Links(world, knobs.world);
    this.#chaos = world.draws("chaos");
    const voters = Array.from({ length: plan.nodes }, (_, at) => nodeId(at + 1));
    const setting: Setting = { world, voters, knobs, links: this.#links, oracles: this.#oracles };
    this.#members = voters.map((id) => hosted.member(id, setting));
    this.#oracles.watch(this.#members);
    for (const member of this.#members) {
      member.machine.onExit = () => this.#exited(member);
      world.after(this.#chaos.float() * 50, "start", null, () => this.#start(member));
    }
  }

  get counts(): Readonly<Record<string, number>> {
    return {
      committed: this.#oracles.committed,
      acknowledged: this.#told.committed,
      unknown: this.#told.unknown,
      terms: this.#oracles.terms,
    };
  }

  // ── with faults ─────────────────────────────────────────────────────────────────────────────────────────────────────

  faults(): void {
    const { faults, workloads, horizonMs } = this.#plan;
    for (const fault of faults) {
      if (fault.at < horizonMs) this.#world.afterWith(fault.at, fault.kind, null, this.#happens, fault);
    }
    for (const { clients, operations, knobs } of workloads) {
      for (let client = 0; client < clients; client++) this.#proposer(client, operations, knobs["gapMs"] ?? 100, knobs["burst"] ?? 1);
    }
    this.#world.run(horizonMs);
  }

  readonly #happens = (fault: Fault): void => {
    const world = this.#world;
    if (fault.kind === "cut") return this.#links.cut(numberOf(fault.from), numberOf(fault.to), world.now + fault.forMs);
    if (fault.kind === "leaderCut") return this.#links.cutNextLeader(fault.messages, fault.forMs);
    const member = "node" in fault ? this.#members[fault.node - 1] : undefined;
    if (member === undefined) return;
    const { machine } = member;
    switch (fault.kind) {
      case "kill":
      case "powerLoss":
        member.end(fault.kind === "kill" ? "process" : "power");
        return this.#startIn(member, fault.forMs);
      case "pause": {
        machine.pause();
        const { process } = machine;
        return void world.after(fault.forMs, "resume", null, () => {
          if (machine.process === process && !this.#healed) machine.resume();
        });
      }
      case "wallJump":
        return machine.clock.jump(fault.deltaMs);
      case "drift":
        machine.clock.drift(fault.rate);
        return void world.after(fault.forMs, "drift ends", null, () => machine.clock.drift(1));
      case "syncFails":
      case "syncStalls":
      case "writeFails":
      case "diskSlow":
      case "diskFull":
        return machine.disk.apply(fault);
      default:
        throw new Error(`No such fault here: "${fault.kind}"`);
    }
  };

  #exited(member: Member): void {
    this.#world.mark("node.exit");
    member.end("process");
    this.#world.after(this.#chaos.between(10, 1_000), "start", null, () => this.#start(member));
  }

  #startIn(member: Member, ms: number): void {
    this.#world.after(ms, "start", null, () => {
      if (!this.#healed) this.#start(member);
    });
  }

  #start(member: Member): void {
    if (member.machine.process === null) member.start();
  }

  // ── proposals ───────────────────────────────────────────────────────────────────────────────────────────────────────

  #proposer(client: number, operations: number, gapMs: number, burst: number): void {
    const draws = this.#world.draws(`proposer/${client}`);
    let left = operations;
    const next = (): void => {
      if (left <= 0 || this.#healed) return;
      // Also to a leader that does not know yet that it is none.
      const leaders = this.#members.filter(leads);
      const leader = leaders.length > 0 ? draws.pick(leaders) : null;
      for (let more = Math.min(left, 1 + draws.below(burst)); more > 0; more--, left--) {
        if (leader !== null && leads(leader)) this.#propose(leader, this.#count);
      }
      this.#world.after(draws.float() * 2 * gapMs, "propose", null, next);
    };
    this.#world.after(draws.float() * 2 * gapMs, "propose", null, next);
  }

  readonly #count = (outcome: Outcome): void => void this.#told[outcome]++;

  #propose(member: Member, told: (outcome: Outcome) => void): void {
    member.propose(++this.#proposals, told);
  }

  // ── healed ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** First a majority alone: it must find a leader and commit. Then all: they must agree. */
  recovery(): void {
    if (this.#world.violation !== null) return;
    this.#healed = true;
    this.#oracles.everythingMayHappen();
    const core = this.#someMajority();
    this.#heal(core, this.#chaos.pick(["dead", "cut off", "paused"]));
    this.#converge(core, MORE);
    this.#othersResign(core);
    this.#heal(this.#members, "cut off");
    this.#converge(this.#members, 1);
  }

  /** Who led and was cut off must find out without a word from anybody: clients wait for its answers (check-quorum). */
  #othersResign(core: readonly Member[]): void {
    const world = this.#world;
    const left = (): readonly Member[] => this.#members.filter((member) => !core.includes(member) && leads(member));
    const withinMs = RESIGNS_WITHIN * this.#knobs.raft.voteRefusalMs;
    if (left().length > 0) world.run(world.now + withinMs, () => left().length === 0);
    for (const { id } of left()) world.fail(`Node ${id} still leads ${withinMs} ms after it was cut off from all others`);
  }

  #someMajority(): readonly Member[] {
    const left = [...this.#members];
    const chosen = Math.floor(left.length / 2) + 1;
    return Array.from({ length: chosen }, () => left.splice(this.#chaos.below(left.length), 1)[0]!);
  }

  #heal(core: readonly Member[], others: "dead" | "cut off" | "paused"): void {
    this.#links.heal(core.map(({ id }) => id), this.#knobs.raft.heartbeatMs / 5);
    for (const member of this.#members) {
      const { machine } = member;
      if (core.includes(member)) {
        machine.disk.heal();
        machine.resume();
        this.#start(member);
      } else if (others === "dead") member.end("power");
      else if (others === "paused") machine.pause();
    }
  }

  /** Until `core` has a leader that committed `more` entries, and everybody in it applied them. */
  #converge(core: readonly Member[], more: number): void {
    const world = this.#world;
    const startedAt = world.now;
    let committed = 0;
    let asked: Member | null = null;
    const told = (outcome: Outcome): void => {
      asked = null;
      if (outcome === "committed") committed++;
    };
    const ask = (): void => {
      if (asked === null && committed < more) {
        const leader = core.filter(leads).sort((a, b) => b.core!.term - a.core!.term)[0];
        if (leader !== undefined) this.#propose(asked = leader, told);
      }
      if (!done()) world.after(ASK_MS, "propose", null, ask);
    };
    const done = (): boolean => {
      if (committed < more) return false;
      const index = this.#oracles.committed;
      return core.every((member) =>
        member.core !== null && member.applied === index && member.core.commit === index && member.core.lastIndex === index
      );
    };
    world.after(ASK_MS, "propose", null, ask);
    world.run(startedAt + HEALED_MS, done);
    if (world.violation !== null) return;
    if (!done()) {
      return world.fail(
        `Not one again after ${HEALED_MS} ms: ${
          core.map(stateOf).join(", ")
        }; committed ${this.#oracles.committed}, asked for ${more} more, told ${committed}`,
      );
    }
    for (const member of core) {
      this.#oracles.stateIs(member.id, member.applied, member.state);
      member.looksAtEnd?.();
    }
  }
}

const leads = ({ core, machine }: Member): boolean => core !== null && core.role === "leader" && !machine.process!.paused;
/** Of a node's name: `node3`. */
const numberOf = (name: string): number => Number(name.slice("node".length));

function stateOf({ id, core, applied }: Member): string {
  if (core === null) return `node ${id} is down`;
  return `node ${id} is ${core.role} of term ${core.term}, applied ${applied}, commit ${core.commit}, log ${core.lastIndex}`;
}
