/** Which partitions a member was given, out of its opaque assignment. Never fails: what is not the consumers' own format is null. */
import { ConsumerProtocolAssignment, DecodeError, decodePart, Reader } from "../../../protocol/mod.ts";

export interface AssignedTopic {
  readonly topic: string;
  readonly partitions: readonly number[];
}

export function assignedPartitions(assignment: Uint8Array): readonly AssignedTopic[] | null {
  if (assignment.length === 0) return [];
  try {
    const reader = new Reader(assignment);
    const version = Math.min(reader.int16(), ConsumerProtocolAssignment.maxVersion);
    if (version < 0) return null;
    return decodePart(ConsumerProtocolAssignment, version, reader).assignedPartitions;
  } catch (error) {
    if (error instanceof DecodeError) return null;
    throw error;
  }
}
