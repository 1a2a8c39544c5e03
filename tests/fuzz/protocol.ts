/** Every declared message, whichever file it is in: what requests, responses and internal topics are made of. */
import * as protocol from "../../lib/protocol/mod.ts";
import type { Message } from "../../lib/protocol/mod.ts";

export * from "../../lib/protocol/mod.ts";

// deno-lint-ignore no-explicit-any -- a table holds messages of all types
export type AnyMessage = Message<any, any>;

const isMessage = (exported: unknown): exported is AnyMessage =>
  typeof exported === "object" && exported !== null && "codec" in exported && "flexibleSince" in exported;

/** By name: both bodies of every API, and what is stored or carried inside of others. */
export const MESSAGES: ReadonlyMap<string, AnyMessage> = new Map(
  [
    ...protocol.APIS.flatMap((api) => [api.request, api.response] as AnyMessage[]),
    ...(Object.values(protocol) as unknown[]).filter(isMessage),
  ].map((message) => [message.name, message]),
);
