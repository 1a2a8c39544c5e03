/**
 * What a Kafka API is to the router, the client and the golden tests: a key, its versions, and the declarations of both bodies.
 * Holds no behaviour: handlers are the broker's.
 */
import type { Message } from "./message.ts";

/**
 * `Request` is what a handler is given and `Response` what it returns. The other side of the wire sees `RequestDraft`, what a client
 * may leave out of a request, and `ResponseRead`, the response with every field there.
 */
export interface Api<Request, Response, RequestDraft = never, ResponseRead = unknown> {
  /** As Kafka writes it: `Produce`, `OffsetForLeaderEpoch`. */
  readonly name: string;
  readonly key: number;
  readonly request: Message<Request, RequestDraft>;
  readonly response: Message<ResponseRead, Response>;
  /** Lowest version that is served. */
  readonly minVersion: number;
  readonly maxVersion: number;
  /** First version with compact lengths and tagged fields (KIP-482), which also decides the header version; null: none. */
  readonly flexibleSince: number | null;
  /** Lowest version in ApiVersions where that is not `minVersion`: Produce lists 0-2 for librdkafka's sake and refuses them. */
  readonly advertisedMinVersion?: number;
}

/** For tables of APIs, where the types of the bodies do not matter. */
// deno-lint-ignore no-explicit-any -- a table holds APIs of all types
export type AnyApi = Api<any, any, any, any>;

/** Ties a request and a response together; both must have the same key and versions. */
export function api<Request, RequestDraft, ResponseRead, Response>(
  name: string,
  request: Message<Request, RequestDraft>,
  response: Message<ResponseRead, Response>,
  options: { readonly advertisedMinVersion?: number } = {},
): Api<Request, Response, RequestDraft, ResponseRead> {
  const { apiKey: key, minVersion, maxVersion, flexibleSince } = request;
  const same = key === response.apiKey && minVersion === response.minVersion && maxVersion === response.maxVersion &&
    flexibleSince === response.flexibleSince;
  if (key === null || !same) throw new TypeError(`Cannot declare "${name}": request and response differ in key or versions`);
  return { name, key, request, response, minVersion, maxVersion, flexibleSince, ...options };
}

/** The versions that ApiVersions lists. */
export function advertisedVersions(
  api: Pick<AnyApi, "minVersion" | "maxVersion" | "advertisedMinVersion">,
): { readonly minVersion: number; readonly maxVersion: number } {
  return { minVersion: api.advertisedMinVersion ?? api.minVersion, maxVersion: api.maxVersion };
}

export function isServed(api: { readonly minVersion: number; readonly maxVersion: number }, version: number): boolean {
  return version >= api.minVersion && version <= api.maxVersion;
}

/** Whether a version has compact lengths and tagged fields, in its bodies and in its headers. */
export function isFlexible(api: { readonly flexibleSince: number | null }, version: number): boolean {
  return api.flexibleSince !== null && version >= api.flexibleSince;
}
