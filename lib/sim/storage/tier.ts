/** The tier `storage`: one node's storage and its partitions on a treacherous disk, without a network. */
import type { Fault, Plan, RunResult, Tier, WorkloadPlan } from "../plan.ts";
import { Violation } from "../world.ts";
import { watchAccounts } from "./accounts.ts";
import { Chores } from "./chores.ts";
import { checkLeftovers, readEverything } from "./ending.ts";
import { Follower } from "./follower.ts";
import { maintainEverything } from "./maintained.ts";
import { planOf } from "./plan.ts";
import { RaftClient } from "./raft_client.ts";
import { Reader } from "./reader.ts";
import { StorageRun } from "./run.ts";
import { Writer } from "./writer.ts";

/** Once all faults are over, everything has come to its end within this. */
const CONVERGE_MS = 120_000;
/** A fault that is aimed at a call of the disk waits for one so long. */
const AIM_MS = 400;

export const storageTier: Tier = { name: "storage", plan: planOf, run: (plan, trace) => runStorage(plan, trace === true) };

function runStorage(plan: Plan, trace: boolean): RunResult {
  const run = new StorageRun(plan);
  const { world } = run;
  if (trace) world.trace.keep();
  run.guard(() => {
    for (const [at, workload] of plan.workloads.entries()) employ(run, workload, at);
    for (const fault of plan.faults) world.after(fault.at, "fault", null, () => happen(run, fault));
    watchAccounts(run);
    run.start();
    world.run(plan.horizonMs);
    if (!run.isRefused) end(run);
  });
  return world.result(run.counts);
}

/** All faults are over: what is under way comes to its end, a clean stop and another start change nothing, nor does one more crash. */
function end(run: StorageRun): void {
  const { world } = run;
  run.healed();
  for (const workload of run.workloads) workload.finish();
  phase(run, "what was under way", () => run.serving !== null && run.workloads.every(({ isDone }) => isDone));
  readEverything(run, (done) => phase(run, "reading everything", done));
  maintainEverything(run, (done) => phase(run, "retention and compaction", done));
  readEverything(run, (done) => phase(run, "reading what they left", done));
  let isClosed = false;
  run.restarts = false;
  world.after(0, "close", null, () => run.close(() => isClosed = true));
  phase(run, "the clean stop", () => isClosed);
  run.forgetFaults();
  world.after(0, "start", null, () => run.start());
  phase(run, "the start after it", () => run.serving !== null);
  readEverything(run, (done) => phase(run, "reading everything again", done));
  checkLeftovers(run, (done) => phase(run, "looking at what is left", done));
  world.after(0, "kill", null, () => run.end(world.draws("end").chance(0.5) ? "power" : "process"));
  world.run(world.now + 1);
  world.after(0, "start", null, () => run.start());
  phase(run, "the last start", () => run.serving !== null);
  readEverything(run, (done) => phase(run, "reading everything for the last time", done));
}

function phase(run: StorageRun, what: string, done: () => boolean): void {
  const { world } = run;
  if (world.violation !== null || run.isRefused) return;
  world.run(world.now + CONVERGE_MS, () => done() || run.isRefused);
  if (world.violation === null && !done() && !run.isRefused) world.fail(new Violation(`It does not come to its end: ${what}`));
}

function employ(run: StorageRun, { kind, clients, operations, knobs }: WorkloadPlan, at: number): void {
  const { workloads } = run;
  const name = `t${at}`;
  switch (kind) {
    case "topic": {
      run.topics.create(name, knobs);
      const partitions = knobs["partitions"] ?? 1;
      if (knobs["followed"] === 1) {
        for (let partition = 0; partition < partitions; partition++) workloads.push(new Follower(run, name, partition, operations, knobs));
      } else for (let number = 0; number < clients; number++) workloads.push(new Writer(run, name, number, operations, knobs));
      for (let number = 0; number < (knobs["readers"] ?? 0); number++) workloads.push(new Reader(run, name, number, operations, knobs));
      const { deleteRecordsMs, recreateMs } = knobs;
      if (deleteRecordsMs !== undefined && knobs["followed"] !== 1) {
        workloads.push(new Chores(run, "deleteRecords", name, operations, { ...knobs, thinkMs: deleteRecordsMs }));
      }
      if (recreateMs !== undefined) workloads.push(new Chores(run, "recreate", name, operations, { ...knobs, thinkMs: recreateMs }));
      return;
    }
    case "raft":
      workloads.push(new RaftClient(run, operations, knobs));
      return;
    case "restart":
    case "checkpoint":
    case "maintain":
      workloads.push(new Chores(run, kind, name, operations, knobs));
      return;
    default:
      throw new Violation(`The plan asks for an unknown workload: ${kind}`);
  }
}

/** While the next call that waits for the device is under way; without one, later all the same. Never once faults are over. */
function aim({ world, plan, disk: { kernel } }: StorageRun, hit: () => void): void {
  const inTime = (): void => {
    if (world.now < plan.horizonMs) hit();
  };
  const late = world.after(AIM_MS, "fault", null, () => {
    kernel.aim(null);
    inTime();
  });
  kernel.aim((delayMs) => {
    late.cancelled = true;
    world.after(delayMs * world.draws("aim").float(), "fault", null, inTime);
  });
}

function happen(run: StorageRun, fault: Fault): void {
  const { world, machine, disk } = run;
  run.happened.add(fault.kind);
  world.trace.add(fault.kind, world.now, 0);
  switch (fault.kind) {
    case "kill":
    case "powerLoss": {
      const end = (): void => {
        run.end(fault.kind === "kill" ? "process" : "power");
        world.after(fault.forMs, "restart", null, () => run.start());
      };
      return world.draws("aim").chance(run.knob("aimed", 0)) ? aim(run, end) : end();
    }
    case "stop":
      return run.close(() => world.after(fault.forMs, "restart", null, () => run.start()));
    case "pause":
      machine.pause();
      world.after(fault.forMs, "resume", null, () => machine.resume());
      return;
    case "wallJump":
      return machine.clock.jump(fault.deltaMs);
    case "drift":
      machine.clock.drift(fault.rate);
      world.after(fault.forMs, "undrift", null, () => machine.clock.drift(1));
      return;
    case "reset":
    case "cut":
    case "halfOpen":
    case "throttle":
    case "leaderCut":
    case "clientPause":
    case "clientDrift":
      throw new Violation(`There are no clients and no network for a fault of kind ${fault.kind}`);
    default:
      return disk.apply(fault);
  }
}
