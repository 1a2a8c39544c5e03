/** Consensus as a step function. */
export * from "./types.ts";
export { InvariantBroken } from "./invariant.ts";
export { Raft, type RaftStatus } from "./raft.ts";
export { defaultRaftSettings, type RaftSettings } from "./settings.ts";
export type { RaftOptions } from "./state.ts";
