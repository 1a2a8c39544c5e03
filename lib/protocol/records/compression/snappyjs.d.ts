declare module "snappyjs" {
  /** @throws when the declared length is above `maxLength`, before allocating, or the stream is malformed. */
  export function uncompress(compressed: Uint8Array, maxLength?: number): Uint8Array;
  export function compress(bytes: Uint8Array): Uint8Array;
}
