/** Once nothing happens any more: retention and compaction, asked again and again, leave nothing behind that they were to remove. */
import type { NodeStorage } from "../../storage/mod.ts";
import { Violation } from "../world.ts";
import type { PartitionModel } from "./partition_model.ts";
import { readWhole } from "./recovered.ts";
import type { Serving, StorageRun } from "./run.ts";
import type { TopicModel } from "./topics.ts";

/** Little memory for compaction makes many rounds. */
const ROUNDS_MAX = 1_000;

type StoredLog = NonNullable<ReturnType<NodeStorage["log"]>>;
type Phase = (done: () => boolean) => void;

export function maintainEverything(run: StorageRun, phase: Phase): void {
  const node = run.serving;
  if (node === null || run.isWeak) return;
  let isDone = false;
  run.world.after(0, "maintain", node.incarnation, () => {
    run.watch(node.incarnation, maintain(run, node), () => isDone = true, (error) => {
      throw error instanceof Violation ? error : new Violation(`Cannot maintain: ${error.stack}`);
    });
  });
  phase(() => isDone || run.isWeak && run.serving === null);
}

async function maintain(run: StorageRun, node: Serving): Promise<void> {
  const logs = [...run.topics.all()].flatMap((topic) =>
    topic.partitions.flatMap((model, partition) => {
      const log = node.storage.log(topic.topicId, partition);
      return log === null || log.offlineReason !== null || model.isBroken ? [] : [{ topic, model, log }];
    })
  );
  const stateNow = (): string =>
    JSON.stringify(logs.map(({ log }) => [log.logStartOffset, log.cleanedTo, log.segments.map(({ base, size }) => [base, size])]));
  let wallMs = 0;
  for (let rounds = 0, before = ""; before !== (before = stateNow());) {
    if (++rounds > ROUNDS_MAX) throw new Violation(`Maintenance finds something to do for ever: ${before}`);
    wallMs = node.io.clock.wall();
    // One that is under way began earlier.
    await node.storage.maintain();
    await node.storage.maintain();
  }
  for (const { topic, model, log } of logs) {
    if (log.offlineReason !== null) continue;
    if (log.segments.length > 1 && log.segments[1]!.base <= log.logStartOffset) {
      throw new Violation(`${model.name} starts at ${log.logStartOffset}, and keeps a segment up to ${log.segments[1]!.base}`);
    }
    if (model.limits.isRetained) checkRetained(topic, model, log, run.hasSteadyClock ? wallMs : null);
    if (model.limits.isCompacted) await checkCleaned(node, topic, model, log);
  }
}

/** The oldest segment is needed: without it less would be left than `retention.bytes`, or it has a record that is not old. */
function checkRetained(
  { config: { log: { retentionBytes, retentionMs } } }: TopicModel,
  model: PartitionModel,
  log: StoredLog,
  wallMs: number | null,
): void {
  const [oldest, next] = log.segments;
  if (oldest === undefined || next === undefined) return;
  if (retentionBytes >= 0 && oldest.size > 0 && log.sizeBytes - oldest.size >= retentionBytes) {
    throw new Violation(`${model.name}: ${log.sizeBytes} bytes are kept, ${oldest.size} of them could go, limit is ${retentionBytes}`);
  }
  const newestMs = model.newestIn(oldest.base, next.base);
  if (retentionMs >= 0 && wallMs !== null && newestMs !== null && wallMs - newestMs > retentionMs) {
    throw new Violation(`${model.name}: everything below ${next.base} is ${wallMs - newestMs} ms old and kept, limit is ${retentionMs}`);
  }
}

/** What compaction says it has seen has one record of a key. */
async function checkCleaned({ io }: Serving, { config }: TopicModel, model: PartitionModel, log: StoredLog): Promise<void> {
  const { minCompactionLagMs, minCleanableDirtyRatio } = config.log;
  const active = log.segments.at(-1);
  if (active !== undefined && minCompactionLagMs === 0 && minCleanableDirtyRatio === 0 && log.cleanedTo < active.base) {
    throw new Violation(`${model.name}: compacted is what is below ${log.cleanedTo}, due is everything below ${active.base}`);
  }
  await readWhole(io, model, log, log.cleanedTo);
}
