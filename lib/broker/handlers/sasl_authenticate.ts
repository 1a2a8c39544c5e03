/**
 * SaslAuthenticate v0-2 on a listener without SASL.
 * - Answered with ILLEGAL_SASL_STATE and a reason, as Apache Kafka does on a PLAINTEXT listener: the connection stays usable.
 * Source: KIP-152, Apache Kafka 4.3.1 asked on a PLAINTEXT listener.
 */
import { errorCode, SaslAuthenticate } from "../../protocol/mod.ts";
import { handler } from "../handler.ts";

const NOTHING = new Uint8Array(0);

export const saslAuthenticate = handler({
  api: SaslAuthenticate,
  handle: (_request, { connection }) => ({
    errorCode: errorCode("ILLEGAL_SASL_STATE"),
    errorMessage: `Cannot authenticate: listener "${connection.listener}" asks for no authentication`,
    authBytes: NOTHING,
  }),
  refuse: (_request, error, message) => ({ errorCode: errorCode(error), errorMessage: message, authBytes: NOTHING }),
});
