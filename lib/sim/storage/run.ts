/**
 * One run of the tier: a machine with a disk and no network, a node's storage with its partitions on it that is started again whenever it ends,
 * the workloads that use it while it serves, and the models of what they were told. Everything that breaks a promise ends the run.
 */
import { Closed, DeadlineExceeded, type Io, IoFailed } from "../../io/mod.ts";
import { nodeId } from "../../protocol/mod.ts";
import { ReplicaSet } from "../../replication/mod.ts";
import { CorruptLog, DataDirectoryRefused, type NodeStorage, openStorage, StorageFenced } from "../../storage/mod.ts";
import { PageCacheDisk } from "../disk/disk.ts";
import { type EndKind, type Incarnation, Machine } from "../machine.ts";
import type { Plan } from "../plan.ts";
import { Violation, World } from "../world.ts";
import { Frames } from "./frames.ts";
import { noNet } from "./no_net.ts";
import { checkRecovered } from "./recovered.ts";
import { RaftModel } from "./raft_model.ts";
import { NODE_ID, storageSettings } from "./settings.ts";
import { Topics } from "./topics.ts";

/** A process that serves. */
export interface Serving {
  readonly io: Io;
  readonly incarnation: Incarnation;
  readonly storage: NodeStorage;
  readonly replicas: ReplicaSet;
  readonly leaderEpoch: number;
  readonly frames: Frames;
  /** Reads that nobody has released yet. */
  heldReads: number;
}

/** Somebody who uses the node. It lives on when the node does not. */
export interface Workload {
  started(node: Serving): void;
  /** The node is gone: what was under way is unknown. */
  ended(): void;
  /** All faults are over: one last operation of each kind, which must succeed, and no more. */
  finish(): void;
  /** Nothing is under way, and nothing will be. */
  readonly isDone: boolean;
}

export const DIRECTORY = "/data";
const CLOSE_MS = 30_000;
const RESTART_MS_MAX = 1_000;

export class StorageRun {
  readonly plan: Plan;
  readonly world: World;
  readonly machine: Machine;
  readonly disk: PageCacheDisk;
  readonly topics = new Topics(() => this.hasSteadyClock ? this.machine.clock.wall() : null);
  readonly raft = new RaftModel();
  readonly workloads: Workload[] = [];
  readonly counts = { appended: 0, acknowledged: 0, duplicates: 0, refused: 0, read: 0, starts: 0, raft: 0, cuts: 0 };
  /** Kinds of faults that have happened so far: what they explain is not held against the product. */
  readonly happened = new Set<string>();
  /** A disk that had lied lost its power: promises are void, but for that nothing is served that was never written. */
  isWeak = false;
  /** Weak, and the product refuses to go on with what is left. */
  isRefused = false;
  /** Started again after an end; false once the run wants to see the node stopped. */
  restarts = true;
  serving: Serving | null = null;
  largestBatchBytes = 0;
  /** The plan asks for less memory of producers than there are, or for a shorter one than their patience. */
  readonly forgetsProducers: boolean;
  /** The wall clock never jumps. */
  readonly hasSteadyClock: boolean;
  #marks = 0;
  /** Since one that opened. */
  #failedStarts = 0;

  constructor(plan: Plan) {
    this.plan = plan;
    this.world = new World(plan.seed);
    const capacityBytes = plan.knobs["capacityBytes"];
    this.disk = new PageCacheDisk(this.world, "node1", capacityBytes === undefined ? {} : { capacityBytes });
    this.machine = new Machine(this.world, "node1", this.disk, noNet);
    this.hasSteadyClock = !plan.faults.some(({ kind }) => kind === "wallJump");
    this.forgetsProducers = this.knob("producersPerLogMax", 1000) < 100 || this.knob("producerIdExpirationMs", 86_400_000) < 86_400_000 ||
      !this.hasSteadyClock;
    this.machine.onExit = ({ why }) => this.#exited(why);
  }

  knob(name: string, otherwise: number): number {
    return this.plan.knobs[name] ?? otherwise;
  }

  nextMark(): number {
    return ++this.#marks;
  }

  // ── the process ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  start(): void {
    if (this.machine.process !== null || this.isRefused) return;
    const io = this.machine.start();
    const incarnation = this.machine.process!;
    this.counts.starts++;
    this.world.trace.add("start", this.world.now, incarnation.id);
    const opening = openStorage(io, storageSettings(this.plan.knobs), DIRECTORY);
    this.watch(incarnation, opening, (storage) => void this.#opened(io, incarnation, storage), (error) => this.#refused(error));
  }

  /** The machine loses its power, or only its process. */
  end(kind: EndKind): void {
    if (kind === "power" && this.happened.has("syncLies")) this.isWeak = true;
    this.machine.end(kind);
    this.#gone();
  }

  /** A clean stop, or the attempt of one. */
  close(done: () => void): void {
    const node = this.serving;
    if (node === null) return done();
    const { io, incarnation, storage, replicas } = node;
    this.serving = null;
    for (const workload of this.workloads) workload.ended();
    const stopping = replicas.close().then(() => storage.close(io.deadlines.in("close", CLOSE_MS)));
    this.watch(incarnation, stopping, () => {
      this.world.mark("sim.storage.closed");
      for (const topic of this.topics.all()) for (const model of topic.partitions) model.closedWhole();
      const { leases } = storage.buffers;
      if (leases !== 0 && node.heldReads === 0) throw new Violation(`${leases} buffers were not given back by the time storage was closed`);
      if (node.frames.lent !== 0 && node.heldReads === 0) {
        throw new Violation(`${node.frames.lent} lent buffers were not given back by the time storage was closed`);
      }
      this.machine.end("process");
      done();
    }, (error) => {
      if (!this.isExplained(error)) throw new Violation(`Cannot close: ${String(error)}`);
      this.machine.end("process");
      done();
    });
  }

  #exited(why: string): void {
    const explained = ["syncFails", "writeFails", "readFails", "syncStalls", "diskSlow", "pause", "drift"].some((kind) =>
      this.happened.has(kind)
    );
    if (!explained && !this.isWeak) this.world.fail(`The node ended itself without a reason: ${why}`);
    this.#gone();
    this.restartSoon();
  }

  #gone(): void {
    if (this.serving === null) return;
    this.serving = null;
    for (const workload of this.workloads) workload.ended();
  }

  /** The last fault is over: what was slow is quick, what was stopped goes on. What failed before is still explained by it. */
  healed(): void {
    this.disk.heal();
    this.machine.clock.drift(1);
    this.machine.resume();
    this.start();
  }

  /** From here on nothing is explained by faults but what a disk lied about. */
  forgetFaults(): void {
    const lied = this.happened.has("syncLies");
    this.happened.clear();
    if (lied) this.happened.add("syncLies");
  }

  /** Later each time as long as it does not open, as supervisors do. */
  restartSoon(): void {
    const delayMs = Math.min(RESTART_MS_MAX, this.knob("restartMs", 100) * 2 ** this.#failedStarts);
    if (this.restarts) this.world.after(delayMs, "restart", null, () => this.start());
  }

  async #opened(io: Io, incarnation: Incarnation, storage: NodeStorage): Promise<void> {
    try {
      await checkRecovered(this, io, storage);
      if (!incarnation.alive) return;
      this.#failedStarts = 0;
      const leaderEpoch = this.counts.starts;
      const replicas = new ReplicaSet({
        io,
        nodeId: nodeId(NODE_ID),
        storage,
        settingsOf: ({ name }) => this.topics.byName(name).config,
        warn: () => this.world.mark("sim.storage.orphan"),
      });
      replicas.start(this.topics.image(leaderEpoch));
      this.serving = { io, incarnation, storage, replicas, leaderEpoch, frames: new Frames(), heldReads: 0 };
      for (const workload of this.workloads) workload.started(this.serving);
    } catch (error) {
      this.fail(error);
    }
  }

  #refused(error: Error): void {
    const lost = error instanceof CorruptLog || error instanceof DataDirectoryRefused;
    if (this.isWeak && lost) {
      this.isRefused = true;
      this.machine.end("process");
      return this.world.mark("sim.storage.refusedAfterLies");
    }
    if (!this.isExplained(error)) throw new Violation(`Storage does not open: ${error.message}`);
    this.#failedStarts++;
    this.world.mark("sim.storage.openFailed");
    this.machine.end("process");
    this.restartSoon();
  }

  // ── who watches ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Calls back when `work` settles, unless the process is gone by then; what the callbacks throw ends the run. */
  watch<T>(incarnation: Incarnation, work: Promise<T>, done: (value: T) => void, failed: (error: Error) => void): void {
    work.then(
      (value) => incarnation.alive && this.guard(() => done(value)),
      (error: unknown) => incarnation.alive && this.guard(() => failed(error instanceof Error ? error : new Error(String(error)))),
    );
  }

  guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.fail(error);
    }
  }

  fail(error: unknown): void {
    this.world.fail(
      error instanceof Violation ? error : new Violation(error instanceof Error ? error.stack ?? error.message : String(error)),
    );
  }

  /** Whether faults that have happened are a reason for this error. */
  isExplained(error: unknown): boolean {
    const has = (...kinds: string[]) => kinds.some((kind) => this.happened.has(kind));
    if (this.isWeak) return true;
    if (error instanceof DeadlineExceeded) return has("syncStalls", "diskSlow", "pause", "drift");
    if (error instanceof IoFailed) {
      if (error.code === "ENOSPC" && error.op.startsWith("sync") && has("syncFails")) return true;
      return error.code === "ENOSPC" ? has("diskFull") : error.code === "EIO" && has("syncFails", "writeFails", "readFails");
    }
    if (error instanceof StorageFenced) return has("syncFails", "writeFails", "readFails", "syncStalls", "diskSlow", "pause", "drift");
    if (error instanceof DataDirectoryRefused) return error.cause !== undefined && this.isExplained(error.cause);
    if (error instanceof CorruptLog) return has("readFails");
    return error instanceof Closed;
  }
}
