/**
 * Calls that go to whoever is in charge of a thing, and look again when it is somebody else by now: the coordinator of a group, the
 * controller. Knows no APIs: `attempt` sends the request and throws what the reply says.
 */
import type { Deadline } from "../io/mod.ts";
import { KafkaError } from "./errors.ts";
import type { Cluster } from "./types.ts";

/** What a reply, or none, says about whom we asked. */
const MOVED: ReadonlySet<string> = new Set([
  "NOT_COORDINATOR",
  "COORDINATOR_NOT_AVAILABLE",
  "NOT_CONTROLLER",
  "NETWORK_EXCEPTION",
  "REQUEST_TIMED_OUT",
  "BROKER_NOT_AVAILABLE",
]);

const hasMoved = (error: unknown): boolean => error instanceof KafkaError && MOVED.has(error.error);

/** Retries what is retriable, at the coordinator that there is by then. @throws {KafkaError} */
export function atCoordinator<T>(
  cluster: Cluster,
  type: "group" | "transaction",
  key: string,
  deadline: Deadline,
  attempt: (node: number) => Promise<T>,
): Promise<T> {
  return cluster.retry(deadline, async () => {
    const node = await cluster.coordinator(type, key, deadline);
    try {
      return await attempt(node);
    } catch (error) {
      if (hasMoved(error)) cluster.forgetCoordinator(type, key);
      throw error;
    }
  });
}

/** As `atCoordinator`, for the controller. */
export function atController<T>(cluster: Cluster, deadline: Deadline, attempt: () => Promise<T>): Promise<T> {
  return cluster.retry(deadline, async () => {
    try {
      return await attempt();
    } catch (error) {
      if (hasMoved(error)) cluster.forgetNodes();
      throw error;
    }
  });
}
