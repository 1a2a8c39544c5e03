/** Groups and their offsets as this node's coordinator knows them, with its refusals in the words of the HTTP side. Changes nothing. */
import type { Services } from "../../../broker/mod.ts";
import type { GroupCoordinator, PartitionLag } from "../../../coordinator/types.ts";
import type { Deadline } from "../../../io/mod.ts";
import type { KafkaErrorName } from "../../../protocol/mod.ts";
import { Refused } from "../status.ts";

type DescribedGroup = NonNullable<ReturnType<GroupCoordinator["describe"]>["group"]>;

const OFFSETS_TOPIC = "__consumer_offsets";

/** @throws {Refused} for anything but NONE. @returns false when there was no group yet that anybody could coordinate. */
function isThere({ controller }: Services, groupId: string, error: KafkaErrorName): boolean {
  if (error === "NONE") return true;
  // Nobody has asked for a group since the cluster began.
  if (error === "NOT_COORDINATOR" && !controller.image.topics.has(OFFSETS_TOPIC)) return false;
  if (error === "COORDINATOR_LOAD_IN_PROGRESS") {
    throw new Refused(error, "The groups are being read after the start: ask again in a moment");
  }
  throw new Refused(error, `This node does not coordinate group "${groupId}"`);
}

/** Null when there is no such group. @throws {Refused} */
export function groupOf(services: Services, groupId: string): DescribedGroup | null {
  const { error, group } = services.groups.describe(groupId);
  return isThere(services, groupId, error) ? group : null;
}

/** @throws {Refused} when there is no such group. */
export function groupNamed(services: Services, groupId: string): DescribedGroup {
  const group = groupOf(services, groupId);
  if (group === null) throw new Refused("GROUP_ID_NOT_FOUND", `There is no group "${groupId}": list them at /v1/groups`);
  return group;
}

/** What the group has committed, with the ends of the partitions; empty when there is no such group. @throws {Refused} */
export async function committedOf(services: Services, groupId: string, deadline: Deadline): Promise<readonly PartitionLag[]> {
  const { error, partitions } = await services.groups.lag(groupId, deadline);
  return isThere(services, groupId, error) ? partitions : [];
}
