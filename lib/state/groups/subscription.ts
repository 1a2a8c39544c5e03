/**
 * The topics inside a consumer's opaque join metadata, read only as far as the broker needs them: to know which offsets are in use.
 * Never fails: metadata that is not the consumer's own format yields null. Source: ConsumerProtocolSubscription v0 (its prefix in every version).
 */

const utf8 = new TextDecoder();

/** Names of the subscribed topics; null when the bytes are something else. */
export function subscribedTopics(metadata: Uint8Array): readonly string[] | null {
  const view = new DataView(metadata.buffer, metadata.byteOffset, metadata.byteLength);
  if (metadata.byteLength < 6 || view.getInt16(0) < 0) return null;
  const count = view.getInt32(2);
  // Each name takes at least its two bytes of length: a count beyond that is not a count.
  if (count < 0 || count > (metadata.byteLength - 6) / 2) return null;
  const topics: string[] = [];
  let position = 6;
  for (let i = 0; i < count; i++) {
    if (position + 2 > metadata.byteLength) return null;
    const length = view.getInt16(position);
    position += 2;
    if (length < 0 || position + length > metadata.byteLength) return null;
    topics.push(utf8.decode(metadata.subarray(position, position + length)));
    position += length;
  }
  return topics;
}
