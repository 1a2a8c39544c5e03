/**
 * A socket that gives whole replies only. kafkajs 2.2.4 keeps the bytes of a reply that was cut off and takes them for the beginning of the first
 * one on its next connection; what follows ends its process with a RangeError, or is a reply that nobody sent.
 */
import { Socket } from "node:net";

const PREFIX_BYTES = 4;

export class WholeReplies extends Socket {
  #held: Buffer = Buffer.alloc(0);

  override emit(event: string | symbol, ...values: unknown[]): boolean {
    if (event !== "data") return super.emit(event as "data", ...values as [Buffer]);
    this.#held = Buffer.concat([this.#held, values[0] as Buffer]);
    let end = 0;
    while (this.#held.length - end >= PREFIX_BYTES) {
      const next = end + PREFIX_BYTES + this.#held.readInt32BE(end);
      if (next > this.#held.length) break;
      end = next;
    }
    if (end === 0) return true;
    const whole = this.#held.subarray(0, end);
    this.#held = this.#held.subarray(end);
    return super.emit("data", whole);
  }
}
