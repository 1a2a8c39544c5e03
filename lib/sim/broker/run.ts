/**
 * One run of a broker and its clients: with faults until the horizon, then everything is healed and must come to an end. Afterwards the clients
 * read everything, twice, with another start of the broker between, and the oracles judge what was told.
 */
import { Machine } from "../machine.ts";
import { KafkaError } from "../../client/mod.ts";
import { PageCacheDisk } from "../disk/disk.ts";
import { markOf } from "../disk/types.ts";
import { formatHistory, type HistoryEvent } from "../history.ts";
import { Network } from "../net/network.ts";
import type { ClientFault, DiskFault, Fault, NetFault, Plan, ProcessFault, RunResult, WorkloadPlan } from "../plan.ts";
import { configureLog } from "../../telemetry/mod.ts";
import type { Draws } from "../random.ts";
import { Violation, World } from "../world.ts";
import { workloadOf } from "../workloads/mod.ts";
import type { Workload, WorkloadContext } from "../workloads/types.ts";
import { Aim } from "./aim.ts";
import { heldForClients, heldForNobody } from "./books.ts";
import { aimedShareOf, diskOptionsOf, networkOptionsOf, settingsOf, tuningOf } from "./knobs.ts";
import { ADMIN_PORT, clientName, NODE_NAME, PORT } from "./names.ts";
import { SupervisedNode } from "./supervised_node.ts";

/** From the moment when everything is well: what the clients began must be over. Longer than any timeout that they wait out. */
const LIVENESS_MS = 180_000;
/** For reading everything, and for a restart. */
const FINISH_MS = 120_000;
/** For noticing that clients are gone: their connections were reset. */
const GONE_MS = 10_000;
const GONE_LOOK_MS = 1_000;
const AFTERMATH_MS = 10_000;

export class BrokerRun {
  readonly #plan: Plan;
  readonly #world: World;
  readonly #network: Network;
  readonly #node: SupervisedNode;
  readonly #workloads: readonly { readonly workload: Workload; readonly context: WorkloadContext }[];
  readonly #history: HistoryEvent[] = [];
  readonly #endings: (() => void)[] = [];
  readonly #counts = new Map<string, number>();
  readonly #disk: PageCacheDisk;
  readonly #aim: Aim;
  readonly #clients: Machine[] = [];
  #marks = 0;
  /** No fault happens any more. */
  #isHealed = false;

  constructor(plan: Plan, trace: boolean) {
    this.#plan = plan;
    const world = this.#world = new World(plan.seed);
    if (trace) keepTrace(world);
    this.#network = new Network(world, networkOptionsOf(plan.knobs));
    this.#disk = new PageCacheDisk(world, NODE_NAME, { ...diskOptionsOf(plan.knobs), rots });
    this.#aim = new Aim(world, this.#disk, aimedShareOf(plan.knobs));
    const machine = new Machine(world, NODE_NAME, this.#disk, this.#network);
    this.#node = new SupervisedNode(
      world,
      machine,
      settingsOf(plan.knobs, `${NODE_NAME}:${PORT}`, adminListenerOf(plan)),
      tuningOf(plan.knobs),
    );
    this.#workloads = plan.workloads.map((own) => ({ workload: workloadOf(own.kind), context: this.#contextFor(own) }));
  }

  /** Bits of what is durable flip: with one copy, a refusal is right. */
  get #isDamaged(): boolean {
    return this.#plan.faults.some(({ kind }) => kind === "bitRot");
  }

  /** Nothing is durable for certain, and the power stays. */
  get #hasLies(): boolean {
    return this.#plan.faults.some(({ kind }) => kind === "syncLies");
  }

  run(): RunResult {
    try {
      this.#safety();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      if (error instanceof StandsStill && this.#isDamaged) {
        this.#world.mark("sim.stands_still");
        for (const end of this.#endings) end();
      } else this.#world.fail(error);
    }
    if (this.#world.violation === null) this.#judge();
    const { trace, now } = this.#world;
    this.#count("starts", this.#node.starts);
    this.#count("exits", this.#node.exits);
    trace.add("history", now, 0, sumOf(formatHistory(this.#history)));
    return this.#world.result(Object.fromEntries(this.#counts));
  }

  #safety(): void {
    const { horizonMs, faults } = this.#plan;
    for (const fault of faults) this.#world.after(fault.at, `fault.${fault.kind}`, null, () => this.#apply(fault));
    this.#node.start();
    const all = this.#workloads.map(({ workload, context }) => this.#started(workload.run(context)));
    this.#world.run(horizonMs, () => this.#node.isGivenUp);
    this.#heal();
    this.#until("The clients' operations", LIVENESS_MS, () => all.every(({ isDone }) => isDone));
    this.#finish("first");
    // Time to hear that they are gone, and for a look at the books: what the faults left there is forgotten with the process.
    this.#world.run(this.#world.now + GONE_LOOK_MS);
    this.#restart();
    this.#finish("second");
    this.#close();
  }

  #judge(): void {
    for (const { workload } of this.#workloads) {
      for (const oracle of workload.oracles) {
        // What is damaged need not be readable, but what was read is right.
        const wrong = oracle(this.#history).find((problem) => !this.#isDamaged || !problem.startsWith("unread-log"));
        if (wrong !== undefined) this.#world.fail(wrong);
      }
    }
  }

  #apply(fault: Fault): void {
    if (this.#world.now > this.#plan.horizonMs) return;
    if (fault.kind === "kill" || fault.kind === "powerLoss") this.#aim.at(() => this.#end(fault));
    else if (isOfProcess(fault)) this.#node.apply(fault);
    else if (isOfClient(fault)) this.#applyToClient(fault);
    else if (isOfNetwork(fault)) this.#network.apply(fault);
    else if (fault.kind === "leaderCut") throw new Error(`No such fault here: "${fault.kind}"`);
    else {
      this.#node.disturb(fault);
      this.#node.machine.disk.apply(fault);
    }
  }

  /** What waited for its moment comes while there are faults, or not at all. */
  #end(fault: ProcessFault): void {
    if (this.#world.now <= this.#plan.horizonMs) this.#node.apply(fault);
  }

  /** Of a machine that there is by then. */
  #applyToClient(fault: ClientFault): void {
    const machine = this.#clients.find(({ name }) => name === fault.machine);
    if (machine === undefined) return;
    this.#world.mark(`sim.${fault.kind}`);
    if (fault.kind === "clientPause") {
      const { process } = machine;
      machine.pause();
      this.#world.after(fault.forMs, "client.continues", null, () => {
        if (machine.process === process) machine.resume();
      });
    } else {
      machine.clock.drift(fault.rate);
      this.#world.after(fault.forMs, "client.clock", null, () => machine.clock.drift(1));
    }
  }

  #heal(): void {
    this.#isHealed = true;
    for (const client of this.#clients) {
      client.resume();
      // A clock that is fast for ever gives every long poll up, a moment before its answer.
      client.clock.drift(1);
    }
    this.#network.heal();
    this.#node.machine.disk.heal();
    this.#node.heal();
  }

  #finish(reader: string): void {
    const all = this.#workloads.map(({ workload, context }) => this.#started(workload.finish(context, reader)));
    this.#until(`Reading everything (${reader})`, FINISH_MS, () => all.every(({ isDone }) => isDone));
  }

  /** In any of the ways in which a process ends: what was told must be there afterwards. */
  #restart(): void {
    const before = this.#node.starts;
    const ways = this.#hasLies ? ["stop", "kill"] as const : ["stop", "kill", "powerLoss"] as const;
    const how = this.#world.draws("restart").pick(ways);
    this.#node.apply({ kind: how, at: this.#world.now, node: 1, forMs: 10 });
    this.#until("Another start", FINISH_MS, () => this.#node.starts > before && this.#node.isSettled);
  }

  /** All clients go, then the broker: each must leave nothing behind. */
  #close(): void {
    for (const machine of this.#clients) machine.end("process");
    const node = this.#node.running!;
    this.#until(
      "What the node holds for clients that are gone",
      GONE_MS,
      () => heldForClients(node).length === 0,
      () => heldForClients(node),
    );
    const process = this.#node.machine.process!;
    const stop = this.#started(node.stop());
    this.#until("The last stop", FINISH_MS, () => stop.isDone);
    // A timer that nobody waits for any more may come once.
    this.#world.run(this.#world.now + AFTERMATH_MS);
    const held = [...heldForNobody(node, this.#disk.openPaths), ...this.#world.awaitedBy(process).map((kind) => `a ${kind} under way`)];
    if (held.length > 0) throw new Violation(`After a stop in order the node still has ${held.join(", ")}`);
  }

  #until(what: string, ms: number, isDone: () => boolean, left: () => readonly string[] = () => []): void {
    const { now } = this.#world;
    this.#world.run(now + ms, () => isDone() || this.#node.isGivenUp);
    if (this.#world.violation !== null) throw this.#world.violation;
    if (isDone()) return;
    const state = this.#node.isServing ? "the node serves" : "the node does not serve";
    // A thread of the real machine is not of this world: whoever waits for one (a sleep, the thread pool) waits for ever here.
    throw new StandsStill(`liveness: ${what} did not end within ${ms} ms after everything was healed; ${[state, ...left()].join(", ")}`);
  }

  #contextFor(plan: WorkloadPlan): WorkloadContext {
    return {
      world: this.#world,
      plan,
      machine: () => {
        const name = clientName(this.#clients.length + 1);
        const machine = new Machine(this.#world, name, new PageCacheDisk(this.#world, name), this.#network);
        this.#clients.push(machine);
        setClock(machine, this.#world.draws(`${name}/clock`), this.#plan.knobs);
        if (this.#isHealed) machine.clock.drift(1);
        return machine;
      },
      bootstrap: [`${NODE_NAME}:${PORT}`],
      http: (machine, request) => this.#network.http({ owner: machine.process!, host: machine.name }, ADMIN, request),
      record: (event) => {
        this.#history.push(event);
        this.#aim.told(event);
      },
      atEnd: (end) => void this.#endings.push(end),
      nextMark: () => markOf(++this.#marks),
      isDurable: (mark) => this.#hasLies || this.#isDamaged || this.#node.machine.disk.isDurable(mark),
      count: (name, by = 1) => this.#count(name, by),
    };
  }

  /** A rejection is a violation: workloads know what may fail, but for damage. */
  #started(work: Promise<void>): { readonly isDone: boolean } {
    const state = { isDone: false };
    work.then(
      () => state.isDone = true,
      (error: unknown) => {
        if (this.#isDamaged && error instanceof KafkaError) return this.#world.mark("sim.damage_told");
        this.#world.fail(`A workload failed: ${error instanceof Error ? error.stack ?? error.message : String(error)}`);
      },
    );
    return state;
  }

  #count(name: string, by: number): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + by);
  }
}

/** Something did not end. */
class StandsStill extends Violation {}

/** Where topics are: damage in the few files beside them only keeps a node from starting, and at its end the write-ahead log looks the same torn and damaged. */
const rots = (path: string): boolean => path.includes("/topics/");

const ADMIN = { host: NODE_NAME, port: ADMIN_PORT };

/** The HTTP door is open when somebody comes. */
const adminListenerOf = ({ workloads }: Plan): string =>
  workloads.some(({ knobs }) => (knobs["httpShare"] ?? 0) > 0) ? `${NODE_NAME}:${ADMIN_PORT}` : "none";

/** With what the rooms log, without its time, which is the real one. Of the whole process: the runs after this one are slower. */
function keepTrace(world: World): void {
  const { trace } = world;
  trace.keep();
  configureLog({ level: "debug", format: "text", write: (line) => trace.note(world.now, line.slice(line.indexOf(" ") + 1).trimEnd()) });
}

/** Nobody's clock goes as the broker's does. */
function setClock({ clock }: Machine, draws: Draws, knobs: Plan["knobs"]): void {
  const rate = knobs["clients.clockRate"] ?? 1;
  clock.drift(draws.between(Math.min(rate, 1 / rate), Math.max(rate, 1 / rate)));
  clock.jump(Math.round(draws.between(-1, 1) * (knobs["clients.clockOffMs"] ?? 0)));
}

const PROCESS_FAULTS: ReadonlySet<string> = new Set<ProcessFault["kind"]>(["kill", "powerLoss", "pause", "stop", "wallJump", "drift"]);
const NET_FAULTS: ReadonlySet<string> = new Set<NetFault["kind"]>(["reset", "cut", "halfOpen", "throttle"]);
const isOfProcess = (fault: Fault): fault is ProcessFault => PROCESS_FAULTS.has(fault.kind);
const isOfClient = (fault: Exclude<Fault, ProcessFault>): fault is ClientFault =>
  fault.kind === "clientPause" || fault.kind === "clientDrift";
const isOfNetwork = (fault: Exclude<Fault, ProcessFault | ClientFault>): fault is Exclude<NetFault, DiskFault> =>
  NET_FAULTS.has(fault.kind);

function sumOf(text: string): number {
  let sum = 0;
  for (let at = 0; at < text.length; at++) sum = Math.imul(sum, 31) + text.charCodeAt(at) | 0;
  return sum;
}
