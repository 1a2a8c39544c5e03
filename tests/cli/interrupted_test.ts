import { describe, expect, test } from "bun:test";
import { untilInterrupted } from "../../lib/cli/interrupted.ts";

describe("untilInterrupted()", () => {
  test("gives the items until the signal, and ends while the next one is awaited", async () => {
    const controller = new AbortController();
    const source = async function* () {
      yield 1;
      yield 2;
      await new Promise(() => undefined);
    };
    const seen: number[] = [];
    for await (const item of untilInterrupted(source(), controller.signal)) {
      seen.push(item);
      if (item === 2) queueMicrotask(() => controller.abort());
    }
    expect(seen).toEqual([1, 2]);
  });

  test("ends the source when the signal came between two items, or came before", async () => {
    const controller = new AbortController();
    let isEnded = false;
    const source = async function* () {
      try {
        for (let at = 0;; at++) yield at;
      } finally {
        isEnded = true;
      }
    };
    for await (const item of untilInterrupted(source(), controller.signal)) if (item === 3) controller.abort();
    expect(isEnded).toBe(true);
    expect(await Array.fromAsync(untilInterrupted(source(), controller.signal))).toEqual([]);
  });

  test("hands on what the source throws", async () => {
    const source = async function* () {
      yield 1;
      throw new Error("torn");
    };
    expect(Array.fromAsync(untilInterrupted(source(), new AbortController().signal))).rejects.toThrow("torn");
  });
});
