/** Runs every promise continuation that is due, now, within this turn of the event loop: what the simulator does between two events. */
export { drainMicrotasks } from "bun:jsc";
