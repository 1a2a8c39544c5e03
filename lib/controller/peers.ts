/** How Raft messages reach the other voters. With one voter there is none, and the driver gets null. */
import type { Message } from "../raft/mod.ts";

export interface Peers {
  /** Hands the message to the transport in order, never blocks; what cannot be sent is dropped, Raft repeats it. */
  send(message: Message): void;
  /** Called with every message that arrives, per peer in the order received. */
  onMessage(receive: (message: Message) => void): void;
}
