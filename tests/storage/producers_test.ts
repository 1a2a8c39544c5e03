/** Sequences of idempotent producers (KIP-98, HAZARDS E1), as tables. */
import { expect, test } from "bun:test";
import { readBatchHeader } from "../../lib/protocol/records/mod.ts";
import { addToSequence, ProducerStates } from "../../lib/storage/log/producers.ts";
import { batch } from "./setup.ts";

const MAX = 2 ** 31 - 1;

function header(baseSequence: number, { id = 7, epoch = 0, count = 1, offset = 0, ...flags }: Record<string, number | boolean> = {}) {
  const bytes = batch("v", {
    producerId: id as number,
    producerEpoch: epoch as number,
    baseSequence,
    count: count as number,
    baseOffset: offset as number,
    ...flags,
  });
  return readBatchHeader(bytes);
}

test("addToSequence() goes on at 0 after 2^31-1", () => {
  expect(addToSequence(5, 3)).toBe(8);
  expect(addToSequence(MAX - 1, 1)).toBe(MAX);
  expect(addToSequence(MAX, 1)).toBe(0);
  expect(addToSequence(MAX - 2, 5)).toBe(2);
});

test("ProducerStates.check() lets the next sequence in and names every other case", () => {
  const states = new ProducerStates(10);
  expect(states.check(header(42)).kind).toBe("append"); // Unknown producers may begin anywhere (KIP-360).
  for (let i = 0; i < 7; i++) states.apply(header(i * 2, { count: 2, offset: 100 + i * 2, epoch: 1 }));
  const cases: [number, Record<string, number>, string][] = [
    [14, { epoch: 1 }, "append"],
    [15, { epoch: 1 }, "outOfOrder"],
    [12, { epoch: 1, count: 2 }, "duplicate"],
    [4, { epoch: 1, count: 2 }, "duplicate"],
    [2, { epoch: 1, count: 2 }, "outOfOrder"],
    [12, { epoch: 1, count: 1 }, "outOfOrder"],
    [14, { epoch: 0 }, "invalidEpoch"],
    [0, { epoch: 2 }, "append"],
    [14, { epoch: 2 }, "outOfOrder"],
    [5, { id: 8 }, "append"],
  ];
  for (const [sequence, changes, kind] of cases) {
    const found: string = states.check(header(sequence, changes)).kind;
    expect(`${sequence} ${JSON.stringify(changes)} ${found}`).toBe(`${sequence} ${JSON.stringify(changes)} ${kind}`);
  }
  expect(states.check(header(12, { epoch: 1, count: 2 }))).toMatchObject({ baseOffset: 112, lastOffset: 113 });
});

test("ProducerStates.check() follows a sequence over the wrap", () => {
  const states = new ProducerStates(10);
  states.apply(header(MAX - 1, { count: 3 }));
  expect(states.check(header(1)).kind).toBe("append");
  expect(states.check(header(MAX - 1, { count: 3 })).kind).toBe("duplicate");
  expect(states.check(header(0)).kind).toBe("outOfOrder");
});

test("ProducerStates forgets the producer that was silent longest at its maximum, but no open transaction", () => {
  const states = new ProducerStates(3);
  states.apply(header(0, { id: 1, transactional: true }));
  states.apply(header(0, { id: 2 }));
  states.apply(header(0, { id: 3 }));
  states.apply(header(1, { id: 2 }));
  states.apply(header(0, { id: 4 }));
  expect(states.list().map(({ producerId }) => producerId)).toEqual([1, 2, 4]);
});

test("ProducerStates.expire() keeps open transactions", () => {
  const states = new ProducerStates(10);
  states.apply(header(0, { id: 1, transactional: true }));
  states.apply(header(0, { id: 2 }));
  expect(states.expire(Infinity)).toBe(1);
  expect(states.size).toBe(1);
});

test("ProducerStates.firstOpenOffset is the start of the oldest open transaction", () => {
  const states = new ProducerStates(10);
  states.apply(header(0, { id: 1, transactional: true, offset: 10 }));
  states.apply(header(1, { id: 1, transactional: true, offset: 11 }));
  states.apply(header(0, { id: 2, transactional: true, offset: 12 }));
  expect(states.firstOpenOffset).toBe(10);
  states.apply(header(-1, { id: 1, transactional: true, control: true, offset: 13 }));
  expect(states.firstOpenOffset).toBe(12);
  states.apply(header(-1, { id: 2, transactional: true, control: true, offset: 14 }));
  expect(states.firstOpenOffset).toBe(-1);
});

test("ProducerStates.dump() leaves out what lies above the end, and restores the rest", () => {
  const states = new ProducerStates(10);
  for (let i = 0; i < 4; i++) states.apply(header(i, { offset: i, id: 1 }));
  states.apply(header(0, { offset: 4, id: 2 }));
  const restored = new ProducerStates(10);
  restored.restore(states.dump(3));
  expect(restored.check(header(3, { id: 1 })).kind).toBe("append");
  expect(restored.check(header(2, { id: 1 })).kind).toBe("duplicate");
  expect(restored.size).toBe(1);
});
