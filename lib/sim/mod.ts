/** Door of the simulator: a cluster in one process on virtual time, from one seed. */
export { Draws } from "./random.ts";
export { type ScheduledEvent, Violation, World } from "./world.ts";
export { type Exit, Machine } from "./machine.ts";
export { markOf, type SimDisk } from "./disk/types.ts";
export type { SimNet } from "./net/types.ts";
export type * from "./plan.ts";
export * from "./history.ts";
