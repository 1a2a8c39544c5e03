/** The controller's own failures. `broker/error_mapping.ts` gives them Kafka codes. */
import type { NodeId } from "../protocol/ids.ts";

/** This node does not lead the metadata, or lost the lead while the proposal waited: then its outcome is unknown. */
export class NotController extends Error {
  override readonly name = "NotController";
  constructor(readonly leader: NodeId | null, readonly outcomeUnknown: boolean) {
    const who = leader === null ? "nobody leads at the moment" : `node ${leader} leads`;
    super(`Cannot change the metadata here: ${who}${outcomeUnknown ? ", the outcome is unknown" : ""}`);
  }
}
