/**
 * Sticky (KIP-54) and cooperative sticky (KIP-429): loads differ as little as subscriptions allow, and what need not move stays. The
 * cooperative one withholds a partition from its next owner until the one before has given it up.
 */
import { array, decode, DecodeError, encode, int32, message, Reader, since, string, Writer } from "../../../protocol/mod.ts";
import { balance, partitionsByTopic } from "./balance.ts";
import { type AssignorMember, type Claims, Draft, type PartitionAssignor } from "./types.ts";

/** What a member of `sticky` says of itself. v0 is of clients that know no generation; nothing on the wire tells the two apart. */
const StickyUserData = message({
  name: "StickyUserData",
  versions: [0, 1],
  fields: { previousAssignment: array({ topic: string, partitions: array(int32) }), generation: since(1, int32, -1) },
});

/** What a member of `cooperative-sticky` says; what it owns is in the subscription itself. */
const CooperativeUserData = message({ name: "CooperativeUserData", versions: [0, 0], fields: { generation: int32 } });

const NO_CLAIMS: Claims = { owned: new Map(), generation: -1 };

export const sticky: PartitionAssignor = {
  name: "sticky",
  cooperative: false,
  userData({ owned, generation }) {
    if (owned.size === 0) return null;
    const previousAssignment = Array.from(owned, ([topic, partitions]) => ({ topic, partitions }));
    return written((writer) => encode(StickyUserData, 1, { previousAssignment, generation }, writer));
  },
  assign(members, partitionCounts) {
    const draft = new Draft(members);
    for (const { memberId, topic, partition } of balance(members, partitionCounts, stickyClaims)) draft.give(memberId, topic, partition);
    return draft.finish();
  },
};

export const cooperativeSticky: PartitionAssignor = {
  name: "cooperative-sticky",
  cooperative: true,
  userData: ({ generation }) => written((writer) => encode(CooperativeUserData, 0, { generation }, writer)),
  assign(members, partitionCounts) {
    const draft = new Draft(members);
    for (const { memberId, topic, partition, claimants } of balance(members, partitionCounts, cooperativeClaims)) {
      const isFree = claimants.every((claimant) => claimant === memberId);
      if (isFree) draft.give(memberId, topic, partition);
    }
    return draft.finish();
  },
};

/** Members of an eager protocol give everything up before they join: what they held is only in their user data. */
function stickyClaims({ subscription: { userData } }: AssignorMember): Claims {
  const read = readUserData(userData, (reader) => decode(StickyUserData, 1, reader)) ??
    readUserData(userData, (reader) => decode(StickyUserData, 0, reader));
  if (read === null) return NO_CLAIMS;
  return {
    owned: partitionsByTopic(
      read.previousAssignment.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition }))),
    ),
    generation: read.generation,
  };
}

/** Clients before KIP-792 have their generation in the user data only. */
function cooperativeClaims({ subscription: { owned, generation, userData } }: AssignorMember): Claims {
  if (generation >= 0) return { owned, generation };
  return { owned, generation: readUserData(userData, (reader) => decode(CooperativeUserData, 0, reader))?.generation ?? -1 };
}

/** Null for bytes that are something else: another client's member may send anything. */
function readUserData<T>(userData: Uint8Array | null, read: (reader: Reader) => T): T | null {
  if (userData === null || userData.length === 0) return null;
  try {
    return read(new Reader(userData));
  } catch (error) {
    if (error instanceof DecodeError) return null;
    throw error;
  }
}

function written(write: (writer: Writer) => void): Uint8Array {
  const writer = new Writer(256);
  write(writer);
  return writer.finishJoined();
}
