/** Door of `protocol`: the Kafka language. Pure: bytes and values in, values and bytes out; no I/O, no clock, no randomness. */
export * from "./envelope.ts";
export * from "./errors.ts";
export * from "./frame.ts";
export * from "./header.ts";
export * from "./ids.ts";
export * from "./messages/mod.ts";
export * from "./records/mod.ts";
export * from "./schema/mod.ts";
export * from "./wire/mod.ts";
