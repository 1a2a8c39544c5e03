/** What the calls of an embedded broker throw beside the errors of `io`. Translates nothing. */
import type { KafkaErrorName } from "../protocol/mod.ts";

/** The broker refused, as it would have refused a client. */
export class RequestRefused extends Error {
  override readonly name = "RequestRefused";
  /** @param error Kafka's name of it. */
  constructor(readonly error: KafkaErrorName, message: string) {
    super(message);
  }
}

/** What was waited for did not come in time; the message says what there was instead. */
export class WaitedInVain extends Error {
  override readonly name = "WaitedInVain";
}
