/** The id of a cluster as people write it, and as Kafka's wire has it. */
import { isUuid, type Uuid } from "../protocol/mod.ts";

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/**
 * The value of "cluster.id" as a UUID; null when it is empty. Many examples have ids whose last letter has bits that no UUID has
 * (`MkU3OEVBNTcwNTJENDM2Qk`), or are in plain base64: they are the same 16 bytes.
 */
export function clusterIdOf(text: string): Uuid | null {
  const letters = text.replace(/=+$/, "").replaceAll("+", "-").replaceAll("/", "_");
  const last = LETTERS[LETTERS.indexOf(letters.at(-1) ?? "A") & 0b110000]!;
  const canonical = letters.slice(0, -1) + last;
  return isUuid(canonical) ? canonical : null;
}
