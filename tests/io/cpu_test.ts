import { describe, expect, test } from "bun:test";
import { CPU_QUEUE_MAX, createCpu } from "../../lib/io/cpu.ts";
import { createDeadlines, DeadlineExceeded, Overloaded } from "../../lib/io/mod.ts";
import { ManualTime } from "./manual_time.ts";

function make() {
  const time = new ManualTime();
  const deadlines = createDeadlines(time.clock, time.timers);
  const started: number[] = [];
  const ends: PromiseWithResolvers<number>[] = [];
  const cpu = createCpu(deadlines);
  const run = (id: number, budgetMs = 1000) =>
    cpu.run(() => {
      started.push(id);
      ends[id] = Promise.withResolvers<number>();
      return ends[id].promise;
    }, deadlines.in("compress", budgetMs));
  return { time, cpu, deadlines, started, ends, run };
}

describe("Cpu.run()", () => {
  test("runs two jobs at a time and the others in order", async () => {
    const { time, started, ends, run } = make();
    const results = [0, 1, 2, 3].map((id) => run(id));
    expect(started).toEqual([0, 1]);
    ends[1]!.resolve(11);
    await time.settle();
    expect(started).toEqual([0, 1, 2]);
    ends[2]!.reject(new Error("failed"));
    ends[0]!.resolve(10);
    await expect(results[2]).rejects.toThrow("failed");
    await time.settle();
    ends[3]!.resolve(13);
    expect(await Promise.all([results[0], results[1], results[3]])).toEqual([10, 11, 13]);
  });

  test("a job that throws at once frees its place", async () => {
    const { cpu, deadlines } = make();
    for (let i = 0; i < 5; i++) {
      const failing = cpu.run(() => {
        throw new Error("at once");
      }, deadlines.in("x", 10));
      await expect(failing).rejects.toThrow("at once");
    }
    expect(await cpu.run(() => 7, deadlines.in("x", 10))).toBe(7);
  });

  test("a job whose deadline passes in the queue never runs", async () => {
    const { time, started, ends, run } = make();
    run(0);
    run(1);
    const late = run(2, 100);
    late.catch(() => {});
    time.advance(200);
    await expect(late).rejects.toThrow(DeadlineExceeded);
    ends[0]!.resolve(0);
    await time.settle();
    expect(started).toEqual([0, 1]);
  });

  test("refuses when too many wait", async () => {
    const { run } = make();
    for (let id = 0; id < CPU_QUEUE_MAX + 2; id++) run(id).catch(() => {});
    await expect(run(-1)).rejects.toThrow(Overloaded);
  });
});
