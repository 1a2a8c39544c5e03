/** Ids for group members: readable where they come from, unique by a random UUID, as Kafka's are. */
import type { Random } from "../io/mod.ts";

/** The rest of an overlong client or instance id is left out: the id is kept for the member's whole life. */
const PREFIX_CHARS_MAX = 255;

/** `prefix-xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx` */
export function memberId(prefix: string, random: Random): string {
  const bytes = random.bytes(16);
  bytes[6] = bytes[6]! & 0x0f | 0x40;
  bytes[8] = bytes[8]! & 0x3f | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const uuid = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
  return `${prefix.slice(0, PREFIX_CHARS_MAX)}-${uuid}`;
}
