/** Control records: what brokers write into a log for readers of transactions (KIP-98). Key: version int16, type int16. */
import { readInt16, readInt32, writeInt16, writeInt32 } from "./batch.ts";
import { encodeBatch } from "./build.ts";

export type ControlType = "abort" | "commit";
const TYPES: readonly ControlType[] = ["abort", "commit"];

/** Null for a type or version that is none of ours. */
export function readControlType(key: Uint8Array): ControlType | null {
  return key.length >= 4 && readInt16(key, 0) >= 0 ? TYPES[readInt16(key, 2)] ?? null : null;
}

/** Coordinator epoch in the value of an end-of-transaction marker. */
export const readCoordinatorEpoch = (value: Uint8Array): number => value.length >= 6 ? readInt32(value, 2) : -1;

export interface EndTransactionMarker {
  readonly type: ControlType;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly coordinatorEpoch: number;
  readonly timestamp: number;
}

/** The batch that ends a transaction in one partition. */
export function encodeEndTransactionMarker(marker: EndTransactionMarker): Uint8Array {
  const key = new Uint8Array(4);
  writeInt16(key, 2, TYPES.indexOf(marker.type));
  const value = new Uint8Array(6);
  writeInt32(value, 2, marker.coordinatorEpoch);
  return encodeBatch({
    records: [{ key, value, timestamp: marker.timestamp }],
    producerId: marker.producerId,
    producerEpoch: marker.producerEpoch,
    transactional: true,
    control: true,
  });
}
