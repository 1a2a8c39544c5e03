/**
 * What a Kafka API is to the router, the client and the golden tests: a key, its versions, and the declarations of both bodies.
 * Holds no behaviour: handlers are the broker's.
 */
import type { Message } from "./message.ts";

export interface Api<Request, Response> {
  /** As Kafka writes it: `Produce`, `OffsetForLeaderEpoch`. */
  readonly name: string;
  readonly key: number;
  readonly request: Message<Request>;
  readonly response: Message<Response>;
  /** Lowest version that is served. */
  readonly minVersion: number;
  readonly maxVersion: number;
  /** First version with compact lengths and tagged fields (KIP-482), which also decides the header version; null: none. */
  readonly flexibleSince: number | null;
  /** Lowest version in ApiVersions where that is not `minVersion`: Produce lists 0-2 for librdkafka's sake and refuses them. */
  readonly advertisedMinVersion?: number;
}
