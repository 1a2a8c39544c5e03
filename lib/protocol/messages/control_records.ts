/**
 * Keys and values of control records, the markers that end transactions. Both begin with an int16 version, then the struct.
 * Source: KIP-98.
 */
import { type Infer, int16, int32, message } from "../schema/mod.ts";

/** `type` of a `ControlRecordKey`. */
export const CONTROL_RECORD_TYPES = { abort: 0, commit: 1 } as const;

export const ControlRecordKey = message({ name: "ControlRecordKey", versions: [0, 0], fields: { type: int16 } });
export type ControlRecordKey = Infer<typeof ControlRecordKey>;

export const EndTxnMarker = message({ name: "EndTxnMarker", versions: [0, 0], fields: { coordinatorEpoch: int32 } });
export type EndTxnMarker = Infer<typeof EndTxnMarker>;
