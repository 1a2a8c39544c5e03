/**
 * Which version of an API both sides speak, and how that is found out: ApiVersions in our newest version, and in the one that an older
 * broker names when it refuses that. Sends nothing itself. Source: KIP-35, KIP-511.
 */
import { type AnyApi, ApiVersions, decodeResponse, errorCode, Reader, readResponseHeader } from "../protocol/mod.ts";
import { failureOf } from "./errors.ts";

export interface VersionRange {
  readonly minVersion: number;
  readonly maxVersion: number;
}

/** By API key, as the broker listed them. */
export type ServedVersions = ReadonlyMap<number, VersionRange>;

/** The newest that both speak within the wish; null: none. */
export function commonVersion(
  api: Pick<AnyApi, "key" | "minVersion" | "maxVersion">,
  served: ServedVersions,
  wish: { readonly minVersion?: number | undefined; readonly maxVersion?: number | undefined } = {},
): number | null {
  const range = served.get(api.key);
  if (range === undefined) return null;
  const newest = Math.min(api.maxVersion, range.maxVersion, wish.maxVersion ?? Infinity);
  const oldest = Math.max(api.minVersion, range.minVersion, wish.minVersion ?? 0);
  return newest >= oldest ? newest : null;
}

/**
 * @param exchange sends one ApiVersions request and answers with the frame of its reply.
 * @throws {KafkaError} when the broker refuses every version. @throws {DecodeError} for bytes that are no reply.
 */
export async function negotiate(
  exchange: (version: number) => Promise<{ readonly correlationId: number; readonly frame: Uint8Array }>,
): Promise<ServedVersions> {
  for (let version = ApiVersions.maxVersion;;) {
    const { correlationId, frame } = await exchange(version);
    // Whoever does not know the version answers in v0, whose first field is the error code as in all later ones.
    const refused = errorCodeOf(frame) === errorCode("UNSUPPORTED_VERSION");
    const reply = decodeResponse(ApiVersions, refused ? 0 : version, correlationId, frame);
    const served = new Map(reply.apiKeys.map(({ apiKey, minVersion, maxVersion }) => [apiKey, { minVersion, maxVersion }]));
    if (reply.errorCode === 0) return served;
    const lower = Math.min(version - 1, commonVersion(ApiVersions, served) ?? 0);
    if (!refused || lower < 0) throw failureOf(reply.errorCode, "agree on versions");
    version = lower;
  }
}

function errorCodeOf(frame: Uint8Array): number {
  const reader = new Reader(frame);
  readResponseHeader(reader, ApiVersions, 0);
  reader.field = "errorCode";
  return reader.int16();
}
