/**
 * The faults of a run with real processes: which there are is drawn, and what must be true of the executable afterwards is said here. Each ends
 * with a broker that serves again.
 */
import { rm, statfs } from "node:fs/promises";
import type { Draws } from "../../../lib/sim/mod.ts";
import { run } from "../../compat/support/process.ts";
import { isRefused, type Running, start } from "./executable.ts";
import type { Recorder } from "./history_recorder.ts";
import type { Proxy } from "./proxy.ts";
import type { Shim, ShimFault } from "./shim.ts";

/** The executable behind its proxy, over all its starts. */
export class Broker {
  running: Running | null = null;
  starts = 0;
  /** What its processes wrote to standard error, in order. */
  said = "";
  readonly #directory: string;
  readonly #flags: readonly string[];
  readonly #proxy: Proxy;
  readonly #shim: Shim | null;

  constructor(directory: string, flags: readonly string[], proxy: Proxy, shim: Shim | null) {
    this.#directory = directory;
    this.#flags = [...flags, "--set", `advertised.listeners=PLAINTEXT://127.0.0.1:${proxy.port}`];
    this.#proxy = proxy;
    this.#shim = shim;
  }

  get node(): Running {
    if (this.running === null) throw new Error("The broker does not run");
    return this.running;
  }

  /** Starts it. @returns false when it ended before it served, with one of `codes`: only a fault of the shim does that. */
  async start(codes: readonly number[] = [137]): Promise<boolean> {
    this.starts++;
    const started = await start(this.#directory, { flags: this.#flags, through: this.#shim?.through ?? [] });
    if (isRefused(started)) {
      this.said += started.said;
      if (!codes.includes(started.exitCode)) throw new Error(`Start ${this.starts} ended with ${started.exitCode}: ${started.said}`);
      return false;
    }
    this.running = started;
    this.#proxy.target = started.port;
    return true;
  }

  /** Waits for its end. @throws unless it is one of `codes`. */
  async ended(codes: readonly number[], why: string): Promise<string> {
    const { exited, said } = this.node;
    const code = await within(exited, 30_000, `the process ends after ${why}`);
    const text = await said();
    this.running = null;
    this.said += text;
    if (!codes.includes(code)) throw new Error(`After ${why} it ended with ${code} instead of ${codes.join(" or ")}: ${text}`);
    return text;
  }

  async kill(): Promise<void> {
    process.kill(this.node.pid, "SIGKILL");
    await this.ended([137], "SIGKILL");
  }

  /** SIGTERM, with 0 as its end. */
  async terminate(): Promise<void> {
    process.kill(this.node.pid, "SIGTERM");
    await this.ended([0], "SIGTERM");
  }

  async readiness(): Promise<string> {
    const reply = await fetch(`http://${this.node.admin}/readyz`);
    return `${reply.status} ${await reply.text()}`;
  }
}

export interface Faulty {
  readonly broker: Broker;
  readonly proxy: Proxy;
  /** Null where there is no C compiler: then the faults that need it are not drawn. */
  readonly shim: Shim | null;
  readonly recorder: Recorder;
  readonly draws: Draws;
  /** Kills one of the clients that are processes, and starts another one. */
  killClient(): Promise<void>;
}

export type Fault = (run: Faulty) => Promise<void>;

const mustServe = async ({ broker }: Faulty): Promise<void> => {
  if (!(await broker.start())) throw new Error("It was killed while it started, by nobody");
};

/** At one of the next calls that make something durable: before it, in the middle of it, or after it. */
const dies = (kind: ShimFault): Fault => async (run) => {
  run.shim!.arm(kind, run.draws.below(60), run.draws.below(1000));
  await run.broker.ended([137], kind);
  await mustServe(run);
};

/** The node must not go on after such an answer, and say why. */
const fails = (kind: "fail" | "failDone"): Fault => async (run) => {
  run.shim!.arm(kind, run.draws.below(60));
  const said = await run.broker.ended([70], kind);
  if (!/EIO/.test(said)) throw new Error(`It ended without the reason: ${said}`);
  await mustServe(run);
};

export const PROCESS_FAULTS: Readonly<Record<string, Fault>> = {
  async kill(run) {
    await run.broker.kill();
    await mustServe(run);
  },
  async pause({ broker, draws }) {
    process.kill(broker.node.pid, "SIGSTOP");
    await lasts(draws.skewed(100, 3_000));
    process.kill(broker.node.pid, "SIGCONT");
  },
  async terminate(run) {
    await run.broker.terminate();
    await mustServe(run);
  },
  async terminateAndKill(run) {
    const { node } = run.broker;
    process.kill(node.pid, "SIGTERM");
    await lasts(run.draws.skewed(1, 50));
    process.kill(node.pid, "SIGKILL");
    await run.broker.ended([0, 137], "SIGTERM and SIGKILL");
    await mustServe(run);
  },
  killClient: (run) => run.killClient(),
};

export const DISK_FAULTS: Readonly<Record<string, Fault>> = {
  syncFails: fails("fail"),
  syncFailsDone: fails("failDone"),
  diesBefore: dies("dieBefore"),
  diesTorn: dies("dieTorn"),
  diesAfter: dies("dieAfter"),
  /** Killed, and killed again by one of the first calls of its recovery. */
  async diesInRecovery(run) {
    await run.broker.kill();
    run.shim!.arm(run.draws.pick(["dieBefore", "dieTorn", "dieAfter"]), run.draws.below(8), run.draws.below(1000));
    const served = await run.broker.start();
    if (served) await run.broker.ended([137], "dying after its recovery");
    await mustServe(run);
  },
  /** The start must end with a reason, and the next one must not care. */
  async failsInRecovery(run) {
    await run.broker.kill();
    run.shim!.arm(run.draws.pick(["fail", "failDone"]), run.draws.below(12));
    if (await run.broker.start([70])) await run.broker.ended([70], "a disk that fails after its recovery");
    await mustServe(run);
  },
  async syncStalls({ shim, broker, draws, recorder }) {
    const forMs = Math.round(draws.skewed(200, 2_500));
    shim!.arm("stall", draws.below(20), forMs);
    await lasts(forMs);
    const { acknowledged } = recorder.counts;
    await recorder.until(() => recorder.counts.acknowledged > acknowledged, "acknowledgements after a stall");
    await readyAgain(broker);
  },
  /** Longer than `wal.sync.exit.ms`. */
  async syncHangs(run) {
    run.shim!.arm("stall", run.draws.below(20), SYNC_EXIT_MS + 3_000);
    await run.broker.ended([70], "a sync that hangs");
    await mustServe(run);
  },
  /** A write is tried again until there is space; a sync that finds none is not, whatever it says: then the node ends. */
  async full(run) {
    const { shim, broker, draws, recorder } = run;
    let hasEnded = false;
    const ending = broker.node.exited.then(() => hasEnded = true);
    shim!.arm("full", draws.below(20));
    await lasts(draws.skewed(300, 2_000));
    shim!.disarm();
    const { acknowledged } = recorder.counts;
    const going = recorder.until(
      () => hasEnded || recorder.counts.acknowledged > acknowledged,
      "acknowledgements when there is space again",
    );
    await Promise.race([ending, going]);
    if (!hasEnded) return await readyAgain(broker);
    const said = await broker.ended([70], "a sync that found no space");
    if (!/Cannot sync .*ENOSPC/.test(said)) throw new Error(`It ended on a full disk, and not for a sync: ${said}`);
    await mustServe(run);
    await going;
  },
};

/** On a file system of its own, which is filled to its last byte and emptied again. @param folder its mount point. */
export const spaceFaults = (folder: string): Readonly<Record<string, Fault>> => ({
  async noSpace({ broker, draws, recorder }) {
    const filler = `${folder}/filler`;
    const { bavail, bsize } = await statfs(folder);
    await run(["fallocate", "-l", String(bavail * bsize), filler]);
    await lasts(draws.skewed(300, 2_000));
    await rm(filler);
    const { acknowledged } = recorder.counts;
    await recorder.until(() => recorder.counts.acknowledged > acknowledged, "acknowledgements when there is space again");
    await readyAgain(broker);
  },
});

export const NET_FAULTS: Readonly<Record<string, Fault>> = {
  reset: ({ proxy }) => Promise.resolve(proxy.resetAll()),
  cutReplies: ({ proxy }) => Promise.resolve(proxy.cutReplies()),
  halfOpen: ({ proxy, draws }) => network(proxy, draws, () => proxy.halfOpen()),
  refuse: ({ proxy, draws }) => network(proxy, draws, () => proxy.refuse()),
  standStill: ({ proxy, draws }) => network(proxy, draws, () => proxy.standStill()),
  chop: ({ proxy, draws }) => network(proxy, draws, () => proxy.chop()),
};

export const SYNC_EXIT_MS = 4_000;

async function network(proxy: Proxy, draws: Draws, begin: () => void): Promise<void> {
  begin();
  await lasts(draws.skewed(100, 3_000));
  proxy.heal();
}

/** How long a fault lasts is the fault itself; nothing is concluded from the time that passes. */
const lasts = (ms: number): Promise<void> => Bun.sleep(ms);

async function readyAgain(broker: Broker): Promise<void> {
  let said = "";
  for (let asked = 0; asked < 500; asked++) {
    said = await broker.readiness();
    if (said.startsWith("200")) return;
    await Bun.sleep(10);
  }
  throw new Error(`/readyz does not recover: ${said}`);
}

export async function within<T>(promise: Promise<T>, budgetMs: number, what: string): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`Waited ${budgetMs / 1000} s in vain: ${what}`)), budgetMs);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
