import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { cutFrames, FrameError, frameLength, RESPONSE_BYTES_MIN } from "../../lib/protocol/mod.ts";

const BYTES_MAX = 1000;
const prefix = (length: number) => [length >>> 24, (length >>> 16) & 255, (length >>> 8) & 255, length & 255];

describe("frameLength()", () => {
  test("is null until the four bytes are there", () => {
    expect(frameLength(Uint8Array.from([0, 0, 1]), 0, BYTES_MAX)).toBeNull();
    expect(frameLength(Uint8Array.from([0, 0, 1, 0]), 0, BYTES_MAX)).toBe(256);
  });

  test("refuses negative lengths, lengths below a header, and lengths above the maximum", () => {
    for (const length of [-1, -2147483648, 0, 7, BYTES_MAX + 1, 2147483647]) {
      expect(() => frameLength(Uint8Array.from(prefix(length)), 0, BYTES_MAX)).toThrow(FrameError);
    }
    for (const length of [8, BYTES_MAX]) expect(frameLength(Uint8Array.from(prefix(length)), 0, BYTES_MAX)).toBe(length);
  });

  test("takes the shorter frames of responses when told so", () => {
    expect(() => frameLength(Uint8Array.from(prefix(6)), 0, BYTES_MAX)).toThrow("8 to 1000 are accepted");
    expect(frameLength(Uint8Array.from(prefix(6)), 0, BYTES_MAX, RESPONSE_BYTES_MIN)).toBe(6);
    expect(() => frameLength(Uint8Array.from(prefix(3)), 0, BYTES_MAX, RESPONSE_BYTES_MIN)).toThrow("4 to 1000 are accepted");
  });

  test("says what the bytes look like instead", () => {
    const of = (bytes: Uint8Array) => () => frameLength(bytes, 0, BYTES_MAX);
    expect(of(Uint8Array.from([0x16, 3, 1, 2, 0, 1]))).toThrow("the bytes look like TLS");
    expect(of(Buffer.from("GET / HTTP/1.1\r\n"))).toThrow("the bytes look like HTTP");
    expect(of(Buffer.from("POST /topics"))).toThrow("the bytes look like HTTP");
    expect(of(Uint8Array.from([0xff, 0, 0, 0]))).toThrow("Cannot read a frame of -16777216 bytes: 8 to 1000 are accepted");
  });
});

describe("cutFrames()", () => {
  test("gives the same frames however the bytes arrive", () => {
    const frames = fc.array(fc.uint8Array({ minLength: 8, maxLength: 40 }), { maxLength: 8 });
    fc.assert(fc.property(frames, fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }), (sent, sizes) => {
      const wire = Uint8Array.from(sent.flatMap((frame) => [...prefix(frame.length), ...frame]));
      const received: Uint8Array[] = [];
      let held = new Uint8Array(0);
      for (let at = 0, i = 0; at < wire.length; i++) {
        const piece = wire.subarray(at, at += sizes[i % sizes.length]!);
        held = Uint8Array.from([...held, ...piece]);
        const cut = cutFrames(held, BYTES_MAX);
        received.push(...cut.frames);
        held = held.slice(cut.consumed);
        expect(cut.needed).toBeGreaterThan(held.length);
      }
      expect(received.map((frame) => [...frame])).toEqual(sent.map((frame) => [...frame]));
      expect(held.length).toBe(0);
    }));
  });

  test("tells how much the next frame needs", () => {
    const bytes = Uint8Array.from([...prefix(8), ...new Array(8).fill(1), ...prefix(500), 1, 2]);
    const cut = cutFrames(bytes, BYTES_MAX);
    expect([cut.frames.length, cut.consumed, cut.needed]).toEqual([1, 12, 504]);
    expect(cutFrames(bytes.subarray(0, 14), BYTES_MAX).needed).toBe(4);
  });
});
