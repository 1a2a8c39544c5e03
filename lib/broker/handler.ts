/**
 * The shape of a Kafka API on the broker: one file per API in `handlers/`, one line in `handlers/mod.ts`. The router decodes, sets
 * the deadline and encodes; a handler runs to its first await in arrival order (that is where a produce enters the log).
 */
import type { Lease } from "../io/buffers.ts";
import type { Deadline } from "../io/deadline.ts";
import type { Address } from "../io/io.ts";
import type { KafkaErrorName } from "../protocol/errors.ts";
import type { Api } from "../protocol/schema/mod.ts";
import type { Services } from "./services.ts";

export interface ConnectionInfo {
  readonly id: number;
  /** Name of the listener it came in by. */
  readonly listener: string;
  readonly remote: Address;
  readonly local: Address;
  readonly principal: string;
  /** From ApiVersions v3 (KIP-511); empty before. */
  clientSoftwareName: string;
  clientSoftwareVersion: string;
  /** Of its last request; null when it said none. */
  clientId: string | null;
}

export interface RequestContext {
  readonly connection: ConnectionInfo;
  readonly clientId: string | null;
  readonly apiVersion: number;
  readonly deadline: Deadline;
  /**
   * The frame's bytes. `records` fields are views into it, valid to the handler's first await: retain it to keep them longer.
   * Everything else was copied.
   */
  readonly lease: Lease;
  readonly services: Services;
  /** The lease is released once the reply's bytes have left or the connection is gone. */
  holdUntilSent(lease: Lease): void;
  /** Nobody is there any more to read the answer. */
  readonly isGone: boolean;
  /** Calls `fire` once when the connection is gone, at once if it is: whoever waits for something on the client's behalf stops waiting. */
  whenGone(fire: () => void): { cancel(): void };
  /** Closes the connection: the only way to tell a client that wants no reply (acks=0) that something is wrong. */
  hangUp(why: string): void;
}

/** Returned by a handler that must not be answered (produce with acks=0). */
export const NO_REPLY: unique symbol = Symbol("no reply");

export interface Handler<Request, Response> {
  readonly api: Api<Request, Response>;
  /** Milliseconds this request may take, from the client's own timeout where the request has one. Default: `request.timeout.ms`. */
  budgetMs?(request: Request): number;
  handle(request: Request, context: RequestContext): Response | typeof NO_REPLY | Promise<Response | typeof NO_REPLY>;
  /**
   * The reply, in version 0, to a version that is not served. Without it the connection is closed: nobody knows the shape of a reply
   * in such a version. Only ApiVersions has one (KIP-511).
   */
  unsupportedVersion?(): Response;
  /** The reply that tells `error` for everything that was asked: for refused versions of fields, failures and passed deadlines. */
  refuse(request: Request, error: KafkaErrorName, message: string): Response;
}

/** Ties the types together; erases them for the router's table. */
export function handler<Request, Response>(definition: Handler<Request, Response>): Handler<Request, Response> {
  return definition;
}

/** A handler whose types are erased, as the router's table holds it: the codec of the same `api` made the request. */
// deno-lint-ignore no-explicit-any -- a codec reads and writes its own type, so that no common type but this one fits them all
export type AnyHandler = Handler<any, any>;
