/** The id of a cluster as people write it, and as Kafka's wire has it. */
import type { Uuid } from "../protocol/ids.ts";

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/**
 * The value of "cluster.id" as a UUID; null when it is none. Many examples have ids whose last letter has bits that no UUID has
 * (`MkU3OEVBNTcwNTJENDM2Qk`), or are in plain base64: they are the same 16 bytes.
 */
export function clusterIdOf(text: string): Uuid | null {
  const letters = text.replace(/=+$/, "").replaceAll("+", "-").replaceAll("/", "_");
  if (!/^[A-Za-z0-9_-]{22}$/.test(letters)) return null;
  return letters.slice(0, -1) + LETTERS[LETTERS.indexOf(letters.at(-1)!) & 0b110000]! as Uuid;
}
