import { expect, test } from "bun:test";
import { GarbageRelief } from "../../lib/io/real/garbage.ts";

const MIB = 1024 * 1024;

/** A process whose memory grows with what it receives, `kept` of which a collection cannot free. */
function process(limitMib: number) {
  const state = { mib: 60, keptMib: 60, collections: 0 };
  const relief = new GarbageRelief(
    { residentBytes: () => state.mib * MIB },
    () => {
      state.collections++;
      state.mib = state.keptMib;
    },
    limitMib * MIB,
  );
  const receive = (mib: number) => {
    for (let i = 0; i < mib; i++) {
      state.mib++;
      relief.received(MIB);
    }
  };
  return { state, receive };
}

test("GarbageRelief collects nothing below its limit", () => {
  const { state, receive } = process(200);
  receive(130);
  expect(state.collections).toBe(0);
});

test("GarbageRelief keeps a process near its limit, whatever it receives", () => {
  const { state, receive } = process(100);
  for (let i = 0; i < 500; i++) {
    receive(1);
    expect(state.mib).toBeLessThanOrEqual(108);
  }
  expect(state.collections).toBeGreaterThan(0);
});

test("GarbageRelief collects seldom when what there is cannot be freed", () => {
  const { state, receive } = process(100);
  state.mib = state.keptMib = 300;
  receive(320);
  // Each collection is worth 24 MiB, or it does not happen.
  expect(state.collections).toBeLessThanOrEqual(14);
});
