/** The metadata of the cluster: Raft, the replicated state, proposals. */
import type { Io } from "../io/io.ts";
import type { RaftStore } from "../storage/types.ts";
import { NodeController } from "./node_controller.ts";
import type { Peers } from "./peers.ts";
import type { ControllerSettings } from "./settings.ts";

export type * from "./types.ts";
export type { Peers } from "./peers.ts";
export { NotController } from "./errors.ts";
export { NodeController } from "./node_controller.ts";
export { defaultRaftDriverSettings, RaftDriver, type RaftDriverSettings, type RaftHost } from "./raft_driver.ts";
export { followBrokerConfigs, metadataRules } from "./configs.ts";
export { type ControllerSettings, loneController } from "./settings.ts";
export { randomUuid } from "./uuid.ts";

/**
 * Resolves when the metadata is usable: with one voter after one write, with more once a leader is known.
 * @param peers null with one voter. @throws {UnreadableMetadata} @throws {DeadlineExceeded}
 */
export async function openController(io: Io, settings: ControllerSettings, store: RaftStore, peers: Peers | null): Promise<NodeController> {
  const controller = new NodeController(io, settings, store, peers);
  await controller.start();
  return controller;
}
