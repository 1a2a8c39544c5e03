/**
 * Byte buffers with owners. A frame's bytes live in a pooled slab; whoever needs them past the current call retains the
 * lease and releases it once. DESIGN section 6: bounds and buffer ownership decide the speed of the broker.
 */

/** A counted claim on pooled bytes. Views into them are valid until the last release. */
export interface Lease {
  retain(): void;
  /** The last release returns the slab to its pool. @throws {InvariantBroken} when released more often than retained. */
  release(): void;
}

/** A lease on bytes that nobody pools: for tests and for batches built by the broker itself. */
export const unpooled: Lease = { retain() {}, release() {} };
