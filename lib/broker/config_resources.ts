/** Kafka's codes for what has settings. Codes that are not here are not served: log levels are set at start. */
import type { ConfigResourceType } from "../state/mod.ts";

const CODES: Readonly<Record<ConfigResourceType, number>> = { topic: 2, broker: 4, "client-metrics": 16, group: 32 };

export const resourceCode = (type: ConfigResourceType): number => CODES[type];

/** Null for a code that is not served. */
export function resourceType(code: number): ConfigResourceType | null {
  return (Object.keys(CODES) as ConfigResourceType[]).find((type) => CODES[type] === code) ?? null;
}
