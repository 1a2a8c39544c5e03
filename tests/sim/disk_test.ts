import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createMemoryDisk } from "../../lib/io/memory/mod.ts";
import { type Disk, type DiskFile, IoFailed } from "../../lib/io/mod.ts";
import { markOf } from "../../lib/sim/mod.ts";
import { OneDisk } from "./one_disk.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const filled = (length: number, byte: number) => new Uint8Array(length).fill(byte);
const SEEDS = Array.from({ length: 200 }, (_, seed) => seed);

describe("PageCacheDisk without faults", () => {
  /** Two directories and a handful of names: operations meet. */
  const path = fc.constantFrom("/a", "/b", "/d", "/d/a", "/d/b", "/d/e/a");
  const offset = fc.constantFrom(0, 1, 500, 4095, 4096, 5000, 12_000);
  const length = fc.constantFrom(0, 1, 11, 511, 4096, 9000);
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ do: fc.constant("write" as const), path, offset, length, byte: fc.nat(3), durable: fc.boolean() }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("truncate" as const), path, size: offset }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant("sync" as const), path }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("rename" as const), path, to: path }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("removeFile" as const), path }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("removeDirectory" as const), path }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("makeDirectory" as const), path }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("exclusive" as const), path }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("syncDirectory" as const), path: fc.constantFrom("/", "/d", "/d/e") }) },
  );
  type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

  async function take(disk: Disk, now: () => number, next: Step): Promise<string> {
    const deadline = { op: "test", at: now() + 30_000 };
    const inFile = async (mode: "create" | "exclusive" | "write", durableWrites: boolean, act: (file: DiskFile) => Promise<void>) => {
      const file = await disk.open(next.path, { mode, durableWrites }, deadline);
      await act(file);
      await file.close(deadline);
    };
    try {
      switch (next.do) {
        case "write": {
          const bytes = filled(next.length, next.byte);
          const chunks = [bytes.subarray(0, next.length >> 2), bytes.subarray(next.length >> 2)];
          await inFile("create", next.durable, (file) => file.write(chunks, next.offset, deadline));
          break;
        }
        case "truncate":
          await inFile("write", false, (file) => file.truncate(next.size, deadline));
          break;
        case "sync":
          await inFile("write", false, (file) => file.sync(deadline));
          break;
        case "exclusive":
          await inFile("exclusive", false, () => Promise.resolve());
          break;
        case "rename":
          // Into itself is refused by every system, each with its own words.
          if (!next.to.startsWith(next.path)) await disk.rename(next.path, next.to, deadline);
          break;
        default:
          await disk[next.do](next.path, deadline);
      }
      return "done";
    } catch (error) {
      if (error instanceof IoFailed) return error.code;
      throw error;
    }
  }

  async function everything(disk: Disk, now: () => number, directory = "/"): Promise<readonly (readonly [string, string])[]> {
    const deadline = { op: "test", at: now() + 30_000 };
    const found: (readonly [string, string])[] = [];
    for (const { name, kind } of await disk.list(directory, deadline)) {
      const path = `${directory === "/" ? "" : directory}/${name}`;
      if (kind === "directory") {
        found.push([path, "directory"], ...await everything(disk, now, path));
        continue;
      }
      const file = await disk.open(path, { mode: "read" }, deadline);
      const into = new Uint8Array(await file.size(deadline) + 10);
      const count = await file.read(into, 0, deadline);
      await file.close(deadline);
      found.push([path, new TextDecoder("latin1").decode(into.subarray(0, count))]);
    }
    return found;
  }

  async function syncAll(disk: Disk, now: () => number, directory = "/"): Promise<void> {
    const deadline = { op: "test", at: now() + 30_000 };
    for (const { name, kind } of await disk.list(directory, deadline)) {
      const path = `${directory === "/" ? "" : directory}/${name}`;
      if (kind === "directory") await syncAll(disk, now, path);
      else {
        const file = await disk.open(path, { mode: "write" }, deadline);
        await file.sync(deadline);
        await file.close(deadline);
      }
    }
    await disk.syncDirectory(directory, deadline);
  }

  test("it answers and holds what the disk in memory does, also after both lost what was synced of it", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.nat(1000), fc.boolean(), async (steps, seed, power) => {
        const memory = createMemoryDisk(1 << 26);
        const one = new OneDisk(seed);
        const simNow = () => one.world.now;
        for (const next of steps) {
          const expected = await take(memory, () => 0, next);
          expect([next, one.run((disk) => take(disk, simNow, next))]).toEqual([next, expected]);
        }
        const expected = await everything(memory, () => 0);
        expect(one.run((disk) => everything(disk, simNow))).toEqual(expected);
        if (power) one.run((disk) => syncAll(disk, simNow));
        one.crash(power ? "power" : "process");
        expect(one.run((disk) => everything(disk, simNow))).toEqual(expected);
      }),
      { numRuns: 300, seed: 7 },
    );
  });

  test("preallocated zeros cost no memory worth the name, and room", () => {
    const one = new OneDisk(1, { capacityBytes: 1 << 27 });
    const file = one.open("/f");
    const zeros = new Uint8Array(1 << 20);
    for (let at = 0; at < 64; at++) one.write(file, zeros, at << 20);
    expect(one.sim.usedBytes).toBe(64 << 20);
    one.sync(file);
    one.write(file, "tail", (64 << 20) - 4);
    const into = new Uint8Array(8);
    one.run(() => file.read(into, (64 << 20) - 8, one.soon()));
    expect(into).toEqual(encode("\0\0\0\0tail"));
    one.run((disk) => disk.removeFile("/f", one.soon()));
    expect(one.sim.usedBytes).toBe(64 << 20);
    one.run(() => file.close(one.soon()));
    expect(one.sim.usedBytes).toBe(0);
  });

  test("the same seed ends with the same bytes and the same trace, another one with others", () => {
    const end = (seed: number): readonly [string, string] => {
      const one = new OneDisk(seed);
      const file = one.open("/f");
      one.syncDirectory();
      for (let at = 0; at < 30; at++) {
        one.write(file, filled(3000, at), at * 1500);
        if (at % 7 === 3) one.sync(file);
      }
      one.crash("power");
      return [one.text("/f")!, one.world.trace.hash];
    };
    const ends = SEEDS.slice(0, 20).map(end);
    expect(SEEDS.slice(0, 20).map(end)).toEqual(ends);
    expect(new Set(ends.map(([text]) => text)).size).toBeGreaterThan(5);
    expect(new Set(ends.map(([, hash]) => hash)).size).toBe(20);
  });
});

describe("PageCacheDisk end()", () => {
  test("power: what was synced is there, of the rest sectors of it or nothing", () => {
    const lengths = new Set<number>();
    let torn = 0;
    for (const seed of SEEDS) {
      const one = new OneDisk(seed);
      const file = one.open("/f");
      one.syncDirectory();
      one.write(file, filled(6000, 1));
      one.sync(file);
      one.write(file, filled(9000, 2), 5000);
      one.crash("power");
      const content = one.content("/f")!;
      lengths.add(content.length);
      expect(content.subarray(0, 5000)).toEqual(filled(5000, 1));
      expect(content.length).toBeGreaterThanOrEqual(6000);
      expect(content.length).toBeLessThanOrEqual(14_000);
      const sectors = Array.from({ length: Math.ceil(content.length / 512) - 10 }, (_, at) => content[(10 + at) * 512]!);
      if (new Set(sectors).size > 1) torn++;
    }
    expect(lengths.has(6000) && lengths.has(14_000)).toBe(true);
    expect(lengths.size).toBeGreaterThan(4);
    expect(torn).toBeGreaterThan(30);
  });

  test("power: names that were not synced may be there or not, renames whole", () => {
    const seen = new Set<string>();
    for (const seed of SEEDS) {
      const one = new OneDisk(seed);
      one.write(one.open("/old"), "");
      one.syncDirectory();
      const file = one.open("/new.tmp");
      one.write(file, "x");
      one.sync(file);
      one.run((disk) => disk.rename("/new.tmp", "/new", one.soon()));
      one.run((disk) => disk.removeFile("/old", one.soon()));
      one.crash("power");
      const names = one.run((disk) => disk.list("/", one.soon())).map(({ name }) => name).join(" ");
      if (names.includes("new")) expect(one.text(names.includes("tmp") ? "/new.tmp" : "/new")).toBe("x");
      seen.add(names);
    }
    expect([...seen].sort()).toEqual(["new", "new old", "new.tmp old", "old"]);
  });

  test("power: a file whose name was never synced is gone with its bytes, however often they were synced", () => {
    const found = new Set(SEEDS.map((seed) => {
      const one = new OneDisk(seed);
      const file = one.open("/f", "create", true);
      one.write(file, `${markOf(7)}`);
      expect(one.sim.isDurable(markOf(7))).toBe(false);
      one.crash("power");
      return one.text("/f");
    }));
    expect(found).toEqual(new Set([null, markOf(7)]));
  });

  test("process: what had happened stays, what was under way happens in part, or not, and is told to nobody", () => {
    const lengths = new Set<number>();
    for (const seed of SEEDS) {
      const one = new OneDisk(seed);
      const file = one.open("/f");
      one.write(file, "before");
      const asked = one.ask(file.write([filled(2000, 1)], 6, one.soon()));
      const { disk } = one;
      one.crash("process");
      const late = one.ask(disk.removeFile("/f", one.soon()));
      one.pass(1000);
      expect([asked.told, late.told]).toEqual(["nothing", "nothing"]);
      const content = one.content("/f")!;
      expect(new TextDecoder().decode(content.subarray(0, 6))).toBe("before");
      expect(content.subarray(6)).toEqual(filled(content.length - 6, 1));
      lengths.add(content.length);
    }
    expect(lengths.has(6) && lengths.has(2006)).toBe(true);
    expect(lengths.size).toBeGreaterThan(10);
  });

  test("drops locks", () => {
    const one = new OneDisk(1);
    const lock = () => one.run((disk) => disk.lock("/lock", one.soon()));
    const first = lock();
    expect(lock).toThrow("EWOULDBLOCK");
    one.crash("process");
    lock();
    first.release();
    expect(lock).toThrow("EWOULDBLOCK");
  });
});

describe("PageCacheDisk faults", () => {
  /** A file with a durable name, and durable content. */
  function prepared(seed: number): { one: OneDisk; file: DiskFile } {
    const one = new OneDisk(seed);
    const file = one.open("/f");
    one.syncDirectory();
    one.write(file, filled(8192, 1));
    one.sync(file);
    return { one, file };
  }

  test("syncFails: EIO or ENOSPC once, still readable, the next sync succeeds and lies, and the power takes it", () => {
    for (const seed of SEEDS) {
      const { one, file } = prepared(seed);
      one.write(file, filled(4096, 2), 4096);
      one.apply({ kind: "syncFails" });
      expect(() => one.sync(file)).toThrow(/EIO|ENOSPC/);
      one.sync(file);
      expect(one.content("/f")!.subarray(4096)).toEqual(filled(4096, 2));
      one.crash("power");
      expect(one.content("/f")).toEqual(filled(8192, 1));
    }
  });

  test("syncFails: a durable write too, and what is written to the page later takes it along", () => {
    const { one } = prepared(1);
    const durable = one.open("/f", "write", true);
    one.apply({ kind: "syncFails" });
    expect(() => one.write(durable, filled(100, 2))).toThrow("EIO");
    one.write(durable, filled(100, 3), 200);
    one.crash("power");
    expect(one.content("/f")!.subarray(0, 300)).toEqual(
      Uint8Array.from({ length: 300 }, (_, at) => at < 100 ? 2 : at < 200 ? 1 : 3),
    );
  });

  test("syncStalls: syncs that start and syncs under way end after it, everything else goes on", () => {
    const { one, file } = prepared(1);
    const deadline = one.soon();
    one.write(file, "x");
    const first = one.ask(file.sync(deadline));
    one.apply({ kind: "syncStalls", forMs: 5000 });
    const second = one.ask(file.sync(deadline));
    one.write(file, "y", 1);
    expect(one.content("/f")![1]).toBe(0x79);
    one.pass(4500);
    expect([first.told, second.told]).toEqual(["nothing", "nothing"]);
    one.pass(600);
    expect([first.told, second.told]).toEqual(["ok", "ok"]);
  });

  test("heal() ends a stall at once", () => {
    const { one, file } = prepared(1);
    one.apply({ kind: "syncStalls", forMs: 50_000 });
    const sync = one.ask(file.sync(one.soon()));
    one.pass(1000);
    one.sim.heal();
    one.pass(50);
    expect(sync.told).toBe("ok");
  });

  test("a deadline passes while a sync stalls: unknown, and it happens all the same", () => {
    const { one, file } = prepared(1);
    one.write(file, markOf(1));
    one.apply({ kind: "syncStalls", forMs: 5000 });
    const sync = one.ask(file.sync(one.soon(1000)));
    one.pass(2000);
    expect(sync.told).toBe("failed");
    expect((sync.error as Error).name).toBe("DeadlineExceeded");
    expect(one.sim.isDurable(markOf(1))).toBe(false);
    one.pass(4000);
    expect(one.sim.isDurable(markOf(1))).toBe(true);
  });

  test("syncLies: success, and nothing is durable until an honest sync", () => {
    const { one, file } = prepared(1);
    one.write(file, markOf(1));
    one.apply({ kind: "syncLies", forMs: 1000 });
    one.sync(file);
    expect(one.sim.isDurable(markOf(1))).toBe(false);
    one.pass(1000);
    one.sync(file);
    expect(one.sim.isDurable(markOf(1))).toBe(true);
  });

  test("diskFull: files do not grow, what is there can be written over, space() tells", () => {
    const { one, file } = prepared(1);
    one.apply({ kind: "diskFull", forMs: 1000 });
    expect(() => one.write(file, filled(5000, 2), 8192)).toThrow("ENOSPC");
    one.write(file, filled(8192, 3));
    expect(one.run((disk) => disk.space("/", one.soon())).freeBytes).toBe(0);
    expect(one.content("/f")).toEqual(filled(8192, 3));
    one.pass(1000);
    one.write(file, filled(5000, 2), 8192);
    expect(one.content("/f")!.length).toBe(13_192);
  });

  test("a write for which there is no room leaves the part that had some", () => {
    const one = new OneDisk(1, { capacityBytes: 8192 });
    const file = one.open("/f");
    expect(() => one.write(file, filled(10_000, 1))).toThrow("ENOSPC");
    expect(one.content("/f")).toEqual(filled(8192, 1));
    expect(one.run((disk) => disk.space("/", one.soon()))).toEqual({ totalBytes: 8192, freeBytes: 0 });
  });

  test("writeFails and readFails: EIO once, and nothing else", () => {
    const { one, file } = prepared(1);
    one.apply({ kind: "writeFails" });
    one.apply({ kind: "readFails" });
    expect(() => one.write(file, filled(10, 2))).toThrow("EIO");
    expect(() => one.content("/f")).toThrow("EIO");
    expect(one.content("/f")).toEqual(filled(8192, 1));
  });

  test("diskSlow: calls take longer by the factor", () => {
    const took = [1, 500].map((factor) => {
      const { one, file } = prepared(1);
      one.apply({ kind: "diskSlow", factor, forMs: 100_000 });
      const from = one.world.now;
      for (let at = 0; at < 20; at++) one.write(file, "x");
      return one.world.now - from;
    });
    expect(took[1]! / took[0]!).toBeGreaterThan(50);
  });

  test("bitRot: one bit of what is durable, now and after the power", () => {
    const places = new Set(
      SEEDS.slice(0, 50).map((seed) => {
        const { one } = prepared(seed);
        one.apply({ kind: "bitRot" });
        one.crash("power");
        const wrong = [...one.content("/f")!.entries()].filter(([, byte]) => byte !== 1);
        expect(wrong).toHaveLength(1);
        expect(wrong[0]![1].toString(2).replaceAll("0", "").length % 2).toBe(0);
        return wrong[0]![0];
      }),
    );
    expect(places.size).toBeGreaterThan(40);
  });
});

describe("PageCacheDisk order of things", () => {
  test("a buffer is read when the write happens, not when it is asked for", () => {
    const one = new OneDisk(1);
    const file = one.open("/f");
    const buffer = encode("right");
    const asked = one.ask(file.write([buffer], 0, one.soon()));
    buffer.set(encode("WRONG"));
    one.pass(10);
    expect(asked.told).toBe("ok");
    expect(one.text("/f")).toBe("WRONG");
  });

  test("a sync covers what was written when it began, and not what came meanwhile", () => {
    const one = new OneDisk(1, { syncMs: [5, 5] });
    const file = one.open("/f");
    one.syncDirectory();
    one.write(file, markOf(1));
    const sync = one.ask(file.sync(one.soon()));
    one.write(file, markOf(2), 100);
    expect(sync.told).toBe("nothing");
    one.pass(20);
    expect(sync.told).toBe("ok");
    expect([1, 2].map((id) => one.sim.isDurable(markOf(id)))).toEqual([true, false]);
  });

  test("a durable write is not undone by the end of a sync that began before it", () => {
    const one = new OneDisk(1, { syncMs: [5, 6] });
    const file = one.open("/f");
    const durable = one.open("/f", "write", true);
    one.syncDirectory();
    for (let round = 0; round < 20; round++) {
      one.write(file, "lazy" + round, 50);
      const sync = one.ask(file.sync(one.soon()));
      one.pass(1);
      const write = one.ask(durable.write([encode(markOf(round))], 0, one.soon()));
      one.pass(20);
      expect([sync.told, write.told]).toEqual(["ok", "ok"]);
      expect(one.sim.isDurable(markOf(round))).toBe(true);
    }
  });
});

describe("PageCacheDisk isDurable()", () => {
  test("follows a mark over chunks, pages, renames, removals and the loss of power", () => {
    const one = new OneDisk(3);
    const file = one.open("/f");
    const mark = markOf(123_456);
    const bytes = encode("....~...~" + mark + "~~");
    expect(one.sim.isDurable(mark)).toBe(false);
    one.run(() => file.write([bytes.subarray(0, 11), bytes.subarray(11, 14), bytes.subarray(14)], 4096 - 13, one.soon()));
    one.sync(file);
    expect(one.sim.isDurable(mark)).toBe(false);
    one.syncDirectory();
    expect(one.sim.isDurable(mark)).toBe(true);
    one.run((disk) => disk.rename("/f", "/g", one.soon()));
    expect(one.sim.isDurable(mark)).toBe(true);
    one.crash("power");
    expect(one.sim.isDurable(mark)).toBe(true);
    const path = one.text("/f") === null ? "/g" : "/f";
    one.run((disk) => disk.removeFile(path, one.soon()));
    expect(one.sim.isDurable(mark)).toBe(true);
    one.syncDirectory();
    expect(one.sim.isDurable(mark)).toBe(false);
  });

  test("says true exactly for what the loss of power then leaves, when nothing is pending by chance", () => {
    for (const seed of SEEDS) {
      const one = new OneDisk(seed);
      const file = one.open("/f");
      one.syncDirectory();
      const marks = Array.from({ length: 30 }, (_, id) => markOf(id + 1000 * seed));
      for (const [at, mark] of marks.entries()) {
        one.write(file, mark, at * 700);
        if (one.world.draws("test").chance(0.3)) one.sync(file);
      }
      const promised = marks.filter((mark) => one.sim.isDurable(mark));
      one.crash("power");
      const text = one.text("/f")!;
      for (const mark of promised) expect(text).toContain(mark);
      expect(marks.filter((mark) => one.sim.isDurable(mark))).toEqual(marks.filter((mark) => text.includes(mark)));
    }
  });
});
