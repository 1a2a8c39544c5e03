/**
 * Gives out a producer id and epoch.
 * Source: KIP-98, KIP-360 (epoch bump), KIP-588, KIP-890.
 */
import { api, type Draft, type Infer, int16, int32, int64, message, nullable, optional, since, string } from "../schema/mod.ts";

export const InitProducerIdRequest = message({
  name: "InitProducerIdRequest",
  apiKey: 22,
  versions: [0, 5],
  flexible: 2,
  fields: {
    transactionalId: nullable(string),
    transactionTimeoutMs: int32,
    /** -1 for a new one; otherwise its epoch is raised. */
    producerId: since(3, int64, -1),
    producerEpoch: since(3, int16, -1),
  },
});
export type InitProducerIdRequest = Infer<typeof InitProducerIdRequest>;

export const InitProducerIdResponse = message({
  name: "InitProducerIdResponse",
  apiKey: 22,
  versions: [0, 5],
  flexible: 2,
  fields: {
    throttleTimeMs: optional(int32, 0),
    errorCode: int16,
    producerId: optional(int64, -1),
    producerEpoch: int16,
  },
});
export type InitProducerIdResponse = Draft<typeof InitProducerIdResponse>;

export const InitProducerId = api("InitProducerId", InitProducerIdRequest, InitProducerIdResponse);
