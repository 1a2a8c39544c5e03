/** Names of log directories: `topics/<topic id in hex>/<partition>`. Hex, because some file systems take upper and lower case for the same. */
import type { Uuid } from "../protocol/ids.ts";
import { uuidFromBytes, uuidToBytes } from "../protocol/wire/mod.ts";

export const topicDirectoryName = (topicId: Uuid): string => uuidToBytes(topicId).toHex();

export const isUuidDirectory = (name: string): boolean => /^[0-9a-f]{32}$/.test(name);

export const uuidOfDirectory = (name: string): Uuid => uuidFromBytes(Uint8Array.fromHex(name));

/** Of a log in memory. */
export const keyOf = (topicId: Uuid, partition: number): string => `${topicId}/${partition}`;
