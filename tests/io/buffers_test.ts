import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { BufferPool, ByteBudget, InvariantBroken, type Piece, SLAB_BYTES } from "../../lib/io/mod.ts";

describe("BufferPool", () => {
  test("keeps the sizes that are in use: buffers of an older load make room", () => {
    const pool = new BufferPool({ idleBytesMax: 8 * SLAB_BYTES });
    const small = Array.from({ length: 8 }, () => pool.take(SLAB_BYTES));
    for (const piece of small) piece.release();
    const large = pool.take(4 * SLAB_BYTES);
    const { buffer } = large.bytes;
    large.release();
    expect(pool.stats.idleBytes).toBeLessThanOrEqual(8 * SLAB_BYTES);
    expect(pool.take(4 * SLAB_BYTES).bytes.buffer).toBe(buffer);
  });

  test("pieces never overlap while they are held, and everything comes back", () => {
    const step = fc.oneof(
      fc.record({ take: fc.oneof(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 3 * SLAB_BYTES })) }),
      fc.record({ release: fc.nat() }),
      fc.record({ retain: fc.nat() }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const pool = new BufferPool({ idleBytesMax: 4 * SLAB_BYTES });
        const held: { piece: Piece; mark: number; count: number }[] = [];
        let mark = 0;
        const release = (index: number) => {
          const entry = held[index]!;
          expect(entry.piece.bytes[0]).toBe(entry.mark);
          expect(entry.piece.bytes.at(-1)).toBe(entry.mark);
          entry.piece.release();
          if (--entry.count === 0) held.splice(index, 1);
        };
        for (const step of steps) {
          if ("take" in step) {
            const piece = pool.take(step.take);
            expect(piece.bytes.length).toBe(step.take);
            mark = (mark + 1) % 256;
            piece.bytes.fill(mark);
            held.push({ piece, mark, count: 1 });
          } else if (held.length === 0) continue;
          else if ("retain" in step) {
            const entry = held[step.retain % held.length]!;
            entry.piece.retain();
            entry.count++;
          } else release(step.release % held.length);
          expect(pool.stats.leases).toBe(held.length);
          expect(pool.stats.idleBytes).toBeLessThanOrEqual(4 * SLAB_BYTES);
        }
        while (held.length > 0) release(0);
        expect(pool.stats.leases).toBe(0);
        // All that is left in use is the slab that the next pieces are cut from.
        expect(pool.stats.usedBytes).toBeLessThanOrEqual(SLAB_BYTES);
      }),
      { numRuns: 100 },
    );
  });

  test("a pool of which little is asked stays small, one of which much is asked cuts large slabs", () => {
    const pool = new BufferPool({ idleBytesMax: 0 });
    for (let i = 0; i < 10_000; i++) pool.take(100).release();
    expect(pool.stats.usedBytes).toBeLessThanOrEqual(SLAB_BYTES / 32);
    const buffers = new Set(Array.from({ length: 20_000 }, () => pool.take(1000).bytes.buffer));
    expect(buffers.size).toBeLessThan(40);
    expect(pool.take(SLAB_BYTES).bytes.buffer.byteLength).toBe(SLAB_BYTES);
  });

  test("reuses its buffers", () => {
    const pool = new BufferPool({ idleBytesMax: 8 * SLAB_BYTES });
    const buffers = new Set<ArrayBufferLike>();
    for (let i = 0; i < 1000; i++) {
      const pieces = [pool.take(SLAB_BYTES), pool.take(700_000), pool.take(3 * SLAB_BYTES)];
      for (const piece of pieces) {
        buffers.add(piece.bytes.buffer);
        piece.release();
      }
    }
    expect(buffers.size).toBeLessThanOrEqual(6);
  });

  test("a lease is released as often as it is held, or the node stops", () => {
    const pool = new BufferPool({ idleBytesMax: 0 });
    const piece = pool.take(10);
    const freed: number[] = [];
    piece.whenFreed((length) => freed.push(length));
    piece.retain();
    piece.release();
    expect(freed).toEqual([]);
    piece.release();
    expect(freed).toEqual([10]);
    expect(() => piece.release()).toThrow(InvariantBroken);
    expect(() => piece.retain()).toThrow(InvariantBroken);
  });
});

describe("ByteBudget", () => {
  const limits = { softBytes: 100, resumeBytes: 60, hardBytes: 200 };
  const reader = (name: string, log: string[]) => ({ onRoom: () => void log.push(name) });

  test("stops readers above the soft limit and lets them go on in order below the resume limit", () => {
    const budget = new ByteBudget(limits);
    const log: string[] = [];
    const [a, b] = [reader("a", log), reader("b", log)];
    budget.take(90);
    budget.completed(90, a);
    expect(budget.shouldWait(a, true)).toBe(false);
    budget.take(20);
    expect(budget.shouldWait(a, true)).toBe(true);
    budget.waitForRoom(a);
    budget.waitForRoom(b);
    budget.abandoned(20);
    expect(log).toEqual([]);
    budget.giveBack(30);
    expect(log).toEqual(["a", "b"]);
    expect(budget.stats).toEqual({ heldBytes: 60, partialBytes: 0, waiting: 0, pauses: 2, refusals: 0 });
  });

  test("refuses at the hard limit and counts nothing then", () => {
    const budget = new ByteBudget(limits);
    expect(budget.take(200, true)).toBe(true);
    expect(budget.take(1, true)).toBe(false);
    expect(budget.stats).toMatchObject({ partialBytes: 200, refusals: 1 });
  });

  test("leaves room for whole frames, and lets their readers go on, however many others are not whole", () => {
    const budget = new ByteBudget(limits);
    const [slow, quick] = [reader("slow", []), reader("quick", [])];
    for (let i = 0; i < 10; i++) expect(budget.take(10)).toBe(true);
    expect(budget.take(1)).toBe(false);
    budget.take(1, true);
    expect([budget.shouldWait(slow, true), budget.shouldWait(quick, false)]).toEqual([true, false]);
    budget.completed(1, quick);
    for (let i = 0; i < 99; i++) {
      expect(budget.take(1, true)).toBe(true);
      budget.completed(1, quick);
    }
    expect(budget.take(1, true)).toBe(false);
  });

  test("lets one reader at a time finish when only unfinished frames take the room", () => {
    const budget = new ByteBudget({ ...limits, hardBytes: 400 });
    const log: string[] = [];
    const [a, b, c] = [reader("a", log), reader("b", log), reader("c", log)];
    for (const each of [a, b, c]) {
      budget.take(40);
      if (budget.shouldWait(each, true)) budget.waitForRoom(each);
    }
    expect(log).toEqual(["c"]); // Only c saw the limit; it is alone in line.
    budget.waitForRoom(a);
    budget.waitForRoom(b);
    expect(budget.shouldWait(c, true)).toBe(false);
    expect(log).toEqual(["c"]);
    budget.completed(40, c);
    expect(log).toEqual(["c", "a"]);
    budget.forget(a);
    expect(log).toEqual(["c", "a", "b"]);
  });

  test("counts never go below zero", () => {
    const budget = new ByteBudget(limits);
    expect(() => budget.giveBack(1)).toThrow(InvariantBroken);
    expect(() => new ByteBudget(limits).abandoned(1)).toThrow(InvariantBroken);
  });
});
