/** Where the leader is now, in the answers of those who no longer lead. Source: KIP-951. */
import { array, int32, nullable, optional, string, struct } from "../schema/mod.ts";

/** -1 and -1 when unknown, and then not written. */
export const currentLeader = struct({ leaderId: optional(int32, -1), leaderEpoch: optional(int32, -1) });

/** Addresses of every leader that the answer names. */
export const nodeEndpoints = array({ nodeId: int32, host: string, port: int32, rack: optional(nullable(string), null) });
