/**
 * SaslHandshake v0-1 on a listener without SASL.
 * - Answered with ILLEGAL_SASL_STATE and no mechanisms, as Apache Kafka does on a PLAINTEXT listener: there is nothing to agree on.
 * Source: KIP-43, Apache Kafka 4.3.1 asked on a PLAINTEXT listener.
 */
import { errorCode, SaslHandshake } from "../../protocol/mod.ts";
import { handler } from "../handler.ts";

export const saslHandshake = handler({
  api: SaslHandshake,
  handle: () => ({ errorCode: errorCode("ILLEGAL_SASL_STATE"), mechanisms: [] }),
  refuse: (_request, error) => ({ errorCode: errorCode(error), mechanisms: [] }),
});
