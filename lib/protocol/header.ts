/**
 * Request and response headers. Which header version goes with a request follows from the flexibility of its API version and
 * nothing else; the one exception is the response of ApiVersions, whose header is always v0, because the client cannot know yet
 * what the broker speaks. Source: KIP-482, KIP-511.
 */
import { isFlexible } from "./schema/mod.ts";
import type { Reader, Writer } from "./wire/mod.ts";

export const API_VERSIONS_KEY = 18;

/** What decides the version of a header. */
export interface HeaderOf {
  readonly key: number;
  readonly flexibleSince: number | null;
}

/** The part that every request has, whatever its version: enough to answer, or to refuse with the right correlation id. */
export interface RequestPrefix {
  readonly apiKey: number;
  readonly apiVersion: number;
  /** Any int32; the reply repeats it. */
  readonly correlationId: number;
}

export interface RequestHeader extends RequestPrefix {
  readonly clientId: string | null;
}

/** @throws {DecodeError} when fewer than 8 bytes are there. */
export function readRequestPrefix(reader: Reader): RequestPrefix {
  reader.context = "request header";
  reader.field = "apiKey";
  const apiKey = reader.int16();
  reader.field = "apiVersion";
  const apiVersion = reader.int16();
  reader.field = "correlationId";
  return { apiKey, apiVersion, correlationId: reader.int32() };
}

/** What follows the prefix: the client id, and in header v2 (flexible versions) tagged fields, which are skipped. */
export function readClientId(reader: Reader, flexible: boolean): string | null {
  reader.context = "request header";
  reader.field = "clientId";
  const clientId = reader.nullableString();
  if (flexible) reader.skipTags();
  return clientId;
}

/** Header v1, or v2 for flexible versions. */
export function writeRequestHeader(writer: Writer, api: HeaderOf, header: Omit<RequestHeader, "apiKey">): void {
  writer.context = "request header";
  writer.field = "apiVersion";
  writer.int16(api.key);
  writer.int16(header.apiVersion);
  writer.int32(header.correlationId);
  writer.field = "clientId";
  writer.nullableString(header.clientId);
  if (isFlexible(api, header.apiVersion)) writer.uvarint(0);
}

/** 0: the correlation id alone; 1: with tagged fields. */
export function responseHeaderVersion(api: HeaderOf, version: number): 0 | 1 {
  return isFlexible(api, version) && api.key !== API_VERSIONS_KEY ? 1 : 0;
}

export function writeResponseHeader(writer: Writer, api: HeaderOf, version: number, correlationId: number): void {
  writer.context = "response header";
  writer.field = "correlationId";
  writer.int32(correlationId);
  if (responseHeaderVersion(api, version) === 1) writer.uvarint(0);
}

/** Returns the correlation id. */
export function readResponseHeader(reader: Reader, api: HeaderOf, version: number): number {
  reader.context = "response header";
  reader.field = "correlationId";
  const correlationId = reader.int32();
  if (responseHeaderVersion(api, version) === 1) reader.skipTags();
  return correlationId;
}
