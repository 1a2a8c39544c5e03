/** A controller of one node on a store in memory. */
import { loneController, type NodeController, openController } from "../../lib/controller/mod.ts";
import type { ControllerSettings, NewTopic } from "../../lib/controller/mod.ts";
import type { Deadline, Io } from "../../lib/io/mod.ts";
import { createMemoryIo } from "../../lib/io/memory/mod.ts";
import { nodeId } from "../../lib/protocol/mod.ts";
import type { MetadataRules } from "../../lib/state/mod.ts";
import { MemoryRaftStore } from "./memory_raft_store.ts";

export const rules: MetadataRules = {
  defaultPartitions: 1,
  defaultReplicationFactor: 1,
  partitionsPerTopicMax: 1_000,
  partitionsPerClusterMax: 20_000,
  checkConfig: (_, key, value) => {
    if (key !== "retention.ms" && key !== "cleanup.policy") return `Unknown setting "${key}"`;
    return key === "retention.ms" && !/^-?\d+$/.test(value) ? `Cannot use "${value}" for "retention.ms"` : null;
  },
  checkConfigs: () => null,
  listDefault: (_, key) => key === "cleanup.policy" ? "delete" : null,
};

export interface Fixture {
  readonly io: Io;
  readonly store: MemoryRaftStore;
  readonly controller: NodeController;
  readonly fatal: string[];
  readonly soon: () => Deadline;
}

export async function start(store = new MemoryRaftStore(), change: Partial<ControllerSettings> = {}): Promise<Fixture> {
  const fatal: string[] = [];
  const io = createMemoryIo({ onFatal: (_, why) => void fatal.push(why) });
  const controller = await openController(io, { ...loneController(nodeId(1), rules), ...change }, store, null);
  const soon = (): Deadline => io.deadlines.in("test", 10_000);
  await controller.registerBroker({ id: nodeId(1), rack: null, endpoints: [] }, soon());
  return { io, store, controller, fatal, soon };
}

export const topic = (name: string, change: Partial<NewTopic> = {}): NewTopic => ({
  name,
  partitions: -1,
  replicationFactor: -1,
  assignments: [],
  configs: [],
  ...change,
});
