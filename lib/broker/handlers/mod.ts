/**
 * Every Kafka API that this broker serves: one import and one line each, in the order of their names. The router serves exactly these,
 * and ApiVersions advertises exactly these (law 12).
 */
import type { AnyHandler } from "../handler.ts";

export const HANDLERS: readonly AnyHandler[] = [];
