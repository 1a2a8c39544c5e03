/** Replicated state machines: pure, hosted by the controller and the coordinators. */
export type { Decision, Machine } from "./machine.ts";
export * from "./metadata/mod.ts";
