/** The network of the simulated world: connections of real bytes between machines, each link with its own delay and its own faults. */
import type { Deadlines, Net } from "../../io/mod.ts";
import type { EndKind } from "../machine.ts";
import type { NetFault } from "../plan.ts";
import type { Owner } from "../world.ts";

export interface SimNet {
  /** The network as a process on machine `host` sees it. Machines find each other by name: `dial({ host: "node1", port: 9092 })`. */
  attach(owner: Owner, host: string, deadlines: Deadlines): Net;
  /** The process is gone: `process` resets its connections, `power` leaves the peers with half-open ones. Its ports are free again. */
  detach(owner: Owner, kind: EndKind): void;
  apply(fault: NetFault): void;
  /** No faults from here on. Connections that are half open stay so until somebody writes or gives up. */
  heal(): void;
}
