/**
 * InitProducerId, versions 0-5, for idempotent producers.
 * - Without a transactional id every request gets a new producer id with epoch 0, also one that names its old id and epoch (KIP-360).
 * - A transaction timeout that is not above zero, or above `transaction.max.timeout.ms`, is INVALID_TRANSACTION_TIMEOUT; without a
 *   transactional id nobody looks at it.
 * - Naming only one of id and epoch is INVALID_REQUEST.
 * Not done: transactions. A transactional id is refused as Kafka refuses who may not use it, which ends the client's attempt at once.
 */
import {
  errorCode,
  InitProducerId,
  type InitProducerIdRequest,
  type InitProducerIdResponse,
  type KafkaErrorName,
} from "../../protocol/mod.ts";
import { handler } from "../handler.ts";

export const initProducerId = handler<InitProducerIdRequest, InitProducerIdResponse>({
  api: InitProducerId,

  async handle(request, { services, deadline }) {
    const { transactionalId, transactionTimeoutMs, producerId, producerEpoch } = request;
    if ((producerId === -1) !== (producerEpoch === -1)) return refusal("INVALID_REQUEST");
    if (transactionalId === "") return refusal("INVALID_REQUEST");
    if (transactionalId !== null) {
      const fits = transactionTimeoutMs > 0 && transactionTimeoutMs <= services.settings.transactionMaxTimeoutMs;
      return refusal(fits ? "TRANSACTIONAL_ID_AUTHORIZATION_FAILED" : "INVALID_TRANSACTION_TIMEOUT");
    }
    return { throttleTimeMs: 0, errorCode: 0, producerId: await services.controller.nextProducerId(deadline), producerEpoch: 0 };
  },

  refuse: (_request, error) => refusal(error),
});

function refusal(error: KafkaErrorName): InitProducerIdResponse {
  return { throttleTimeMs: 0, errorCode: errorCode(error), producerId: -1, producerEpoch: -1 };
}
