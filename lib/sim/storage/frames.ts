/**
 * Buffers that the product is lent for an append, as a connection lends its frames: counted, and overwritten once nobody holds them, so that
 * whoever looks at them afterwards finds something that was never written.
 */
import type { Lease } from "../../io/mod.ts";
import { Violation } from "../world.ts";

const GARBAGE = 0xee;

export class Frames {
  /** Buffers that somebody holds. */
  lent = 0;

  /** A lease that its maker holds once. */
  lend(bytes: Uint8Array): Lease {
    this.lent++;
    let count = 1;
    return {
      retain: () => {
        if (count === 0) throw new Violation("A buffer was retained that nobody held");
        count++;
      },
      release: () => {
        if (count === 0) throw new Violation("A buffer was released more often than it was retained");
        if (--count > 0) return;
        this.lent--;
        bytes.fill(GARBAGE);
      },
    };
  }
}
