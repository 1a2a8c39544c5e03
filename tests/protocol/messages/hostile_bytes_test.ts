/** Damaged bytes of every message: a DecodeError or a value, never another failure, never more elements than bytes. HAZARDS N4. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { decode, DecodeError, type Message, Reader } from "../../../lib/protocol/mod.ts";
import { declared, goldenBytes, type GoldenSample, goldenSamples } from "./golden_bytes.ts";
import { elementCount } from "./values.ts";

const MUTATIONS_EACH = 60;
/** Lengths and counts at the ends of their types, in both encodings. */
const BOUNDARIES = [[255, 255, 255, 255], [127, 255, 255, 255], [128, 0, 0, 0], [255, 255, 255, 255, 15], [255, 255], [127, 255], [0]]
  .map((bytes) => Uint8Array.from(bytes));
const full = goldenSamples().filter((sample) => sample.sample === "full");
const latest = (sample: GoldenSample) => sample.versions.at(-1)!;

function outcome(message: Message<unknown>, version: number, bytes: Uint8Array): unknown {
  try {
    return decode(message, version, new Reader(bytes));
  } catch (error) {
    if (error instanceof DecodeError) return error;
    throw error;
  }
}

for (const name of new Set(full.map((sample) => sample.message))) {
  const message = declared(name);
  const samples = full.filter((sample) => sample.message === name);

  describe(name, () => {
    test("refuses every truncation", () => {
      for (const sample of samples) {
        const bytes = goldenBytes(sample);
        for (let length = 0; length < bytes.length; length++) {
          expect(outcome(message, latest(sample), bytes.subarray(0, length))).toBeInstanceOf(DecodeError);
        }
      }
    });

    test("refuses bytes behind the end", () => {
      for (const sample of samples) {
        const bytes = Uint8Array.from([...goldenBytes(sample), 0]);
        expect(outcome(message, latest(sample), bytes)).toBeInstanceOf(DecodeError);
      }
    });

    test("takes mutated bytes without failing otherwise", () => {
      const spot = fc.record({
        at: fc.nat(),
        bytes: fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 5 }), fc.constantFrom(...BOUNDARIES)),
      });
      fc.assert(
        fc.property(fc.constantFrom(...samples), fc.array(spot, { minLength: 1, maxLength: 3 }), (sample, spots) => {
          const bytes = goldenBytes(sample);
          for (const { at, bytes: patch } of spots) {
            bytes.set(patch.subarray(0, bytes.length), at % Math.max(1, bytes.length - patch.length + 1));
          }
          const result = outcome(message, latest(sample), bytes);
          if (!(result instanceof DecodeError)) expect(elementCount(result)).toBeLessThanOrEqual(bytes.length);
        }),
        { numRuns: MUTATIONS_EACH },
      );
    });

    test("takes random bytes without failing otherwise", () => {
      fc.assert(
        fc.property(
          fc.integer({ min: message.minVersion, max: message.maxVersion }),
          fc.uint8Array({ maxLength: 200 }),
          (version, bytes) => {
            const result = outcome(message, version, bytes);
            if (!(result instanceof DecodeError)) expect(elementCount(result)).toBeLessThanOrEqual(bytes.length);
          },
        ),
        { numRuns: MUTATIONS_EACH },
      );
    });
  });
}
