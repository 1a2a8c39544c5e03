/** The two failures of the codecs. Neither carries a Kafka code: the router decides what a peer is told. */

/** Bytes from a peer that are not what the protocol says. The message names the message, the byte and the field. */
export class DecodeError extends Error {
  override readonly name = "DecodeError";
  /** @param field path inside the message, `topics[].partitions[].index`; @param offset byte position in the reader's bytes. */
  constructor(readonly context: string, readonly field: string, readonly problem: string, readonly offset: number) {
    super(`Cannot decode ${context || "bytes"}: ${field || "value"} ${problem} (byte ${offset})`);
  }
}

/** A value of ours that the wire cannot carry: a fault of the code that built it, not of a peer. */
export class EncodeError extends Error {
  override readonly name = "EncodeError";
  constructor(readonly context: string, readonly field: string, readonly problem: string) {
    super(`Cannot encode ${context || "bytes"}: ${field || "value"} ${problem}`);
  }
}
