/** Door of the simulator: a cluster in one process on virtual time, from one seed. */
export { Draws } from "./random.ts";
export { type ScheduledEvent, Violation, World } from "./world.ts";
export { type Exit, Machine } from "./machine.ts";
export { markOf, type SimDisk } from "./disk/types.ts";
export { PageCacheDisk, type PageCacheDiskOptions } from "./disk/disk.ts";
export type { SimNet } from "./net/types.ts";
export type * from "./plan.ts";
export * from "./history.ts";
export { Network } from "./net/network.ts";
export { NETWORK_DEFAULTS, type NetworkOptions } from "./net/options.ts";
export type * from "./workloads/types.ts";
export { TIERS } from "./tiers.ts";
export { type Failure, needsTwoRuns, runPlan, runSeeds, type SeedsOptions, Tally, UNWATCHED, type Watch } from "./runner.ts";
export { formatScript, parseScript, type Script, ScriptRefused } from "./script.ts";
export { keyOf, shrink, type Shrunk } from "./shrink.ts";
export { unknownIn } from "./vocabulary.ts";
