/** What is asked once all faults are over: everything is served, and nothing is left on the disk that nobody needs. */
import { uuidFromBytes } from "../../protocol/wire/mod.ts";
import { CorruptLog } from "../../storage/mod.ts";
import { Violation } from "../world.ts";
import { readWhole } from "./recovered.ts";
import { DIRECTORY, type StorageRun } from "./run.ts";

/** Waits until what it was given says so. */
type Phase = (done: () => boolean) => void;

export function readEverything(run: StorageRun, phase: Phase): void {
  const node = run.serving;
  if (node === null) return;
  let left = 1;
  run.world.after(0, "verify", node.incarnation, () => {
    for (const topic of run.topics.all()) {
      for (const [partition, model] of topic.partitions.entries()) {
        if (model.isBroken) continue;
        const log = node.storage.log(topic.topicId, partition)!;
        // Refused by this process for a reason; the next one has to serve it again.
        if (log.offlineReason !== null && run.happened.size > 0) continue;
        left++;
        run.watch(node.incarnation, readWhole(node.io, model, log), () => {
          left--;
          if (!run.isWeak && log.logEndOffset !== model.end) {
            throw new Violation(`${model.name} ends at ${log.logEndOffset}, appended was up to ${model.end}`);
          }
        }, (error) => {
          // What the disk lied about may be missed only now: what was read before came from memory.
          if (run.isWeak && error instanceof CorruptLog) {
            model.isBroken = true;
            left--;
            return;
          }
          throw error instanceof Violation ? error : new Violation(`${model.name} cannot be read: ${error.stack}`);
        });
      }
    }
    left--;
  });
  phase(() => left === 0 || run.isWeak && run.serving === null);
}

const SEGMENT_FILE = /^\d{20}\.(log|index|timeindex)$/;
const LIST_MS = 10_000;

/** After the look that storage takes at its folders: nothing lies there that belongs to nobody. */
export function checkLeftovers(run: StorageRun, phase: Phase): void {
  const node = run.serving;
  if (node === null) return;
  const { io: { disk, deadlines }, storage, incarnation } = node;
  let isDone = false;
  const list = (path: string) => disk.list(path, deadlines.in("list", LIST_MS));
  const looking = storage.inspected.then(async () => {
    for (const topic of await list(`${DIRECTORY}/topics`)) {
      const path = `${DIRECTORY}/topics/${topic.name}`;
      const partitions = await list(path);
      for (const { name } of partitions) {
        const log = storage.log(uuidFromBytes(Uint8Array.fromHex(topic.name)), Number(name));
        if (log === null) throw new Violation(`"${path}/${name}" belongs to no log`);
        const bases = new Set(log.segments.map(({ base }) => base));
        for (const file of await list(`${path}/${name}`)) {
          // Retired since the start.
          if (file.name.endsWith(".deleted") || SEGMENT_FILE.test(file.name) && bases.has(parseInt(file.name))) continue;
          if (log.offlineReason === null) throw new Violation(`"${path}/${name}/${file.name}" is needed by nobody`);
        }
      }
    }
  });
  run.watch(incarnation, looking, () => isDone = true, (error) => {
    throw error instanceof Violation ? error : new Violation(`Cannot look at what is left: ${error.stack}`);
  });
  phase(() => isDone);
}
