/** Branded identifiers: two numbers or strings that could be swapped by mistake have different types. */

declare const brand: unique symbol;
type Branded<T, Name extends string> = T & { readonly [brand]: Name };

/** Kafka's broker id and Raft's server id: one number per node, 0 ≤ id ≤ 2^31-1. */
export type NodeId = Branded<number, "NodeId">;
/** 16 bytes in Kafka's text form: unpadded URL-safe base64, 22 characters. `ZERO_UUID` means "none". */
export type Uuid = Branded<string, "Uuid">;
/** Number handed out by InitProducerId, from 0; -1 is "none". */
export type ProducerId = Branded<number, "ProducerId">;

export const nodeId = (id: number): NodeId => id as NodeId;
export const producerId = (id: number): ProducerId => id as ProducerId;
export const ZERO_UUID = "AAAAAAAAAAAAAAAAAAAAAA" as Uuid;

/** A partition by topic id: names can be reused after a delete, ids never are. */
export interface TopicIdPartition {
  readonly topicId: Uuid;
  readonly partition: number;
}
