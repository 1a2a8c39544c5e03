/** Random ids in Kafka's text form. It must not be asked for anything that has to be secret. */
import type { Io } from "../io/io.ts";
import type { Uuid } from "../protocol/ids.ts";
import { uuidFromBytes } from "../protocol/mod.ts";

/** Version 4 (RFC 9562); never the reserved ids, and never with a leading "-", which command lines take for an option. */
export function randomUuid(io: Io): Uuid {
  const random = io.random("uuid");
  for (;;) {
    const bytes = random.bytes(16);
    bytes[6] = (bytes[6]! & 0x0f) | 0x40;
    bytes[8] = (bytes[8]! & 0x3f) | 0x80;
    const id = uuidFromBytes(bytes);
    if (!id.startsWith("-")) return id;
  }
}
