import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Disk, Io } from "../../lib/io/mod.ts";
import { createMemoryDisk, createMemoryIo } from "../../lib/io/memory/mod.ts";
import { createRealIo } from "../../lib/io/real/mod.ts";

const encode = (text: string) => new TextEncoder().encode(text);

/** The same promises from every disk. */
function conformance(name: string, make: () => { io: Io; root: string; remove(): void }) {
  describe(`${name} disk`, () => {
    let io: Io, disk: Disk, root: string, remove: () => void;
    const soon = () => io.deadlines.in("test", 5000);
    beforeAll(() => {
      ({ io, root, remove } = make());
      disk = io.disk;
    });
    afterAll(() => remove());

    async function contentOf(path: string): Promise<string> {
      const file = await disk.open(path, { mode: "read" }, soon());
      const into = new Uint8Array(await file.size(soon()));
      expect(await file.read(into, 0, soon())).toBe(into.length);
      await file.close(soon());
      return new TextDecoder().decode(into);
    }

    async function make1(path: string, text: string): Promise<void> {
      const file = await disk.open(path, { mode: "exclusive" }, soon());
      await file.write([encode(text)], 0, soon());
      await file.close(soon());
    }

    test("write() puts chunks one after the other at the offset", async () => {
      const path = join(root, "chunks");
      const file = await disk.open(path, { mode: "create" }, soon());
      await file.write([encode("hello "), new Uint8Array(0), encode("world")], 0, soon());
      await file.write([encode("W")], 6, soon());
      await file.write([], 3, soon());
      await file.sync(soon());
      expect(await file.size(soon())).toBe(11);
      await file.close(soon());
      expect(await contentOf(path)).toBe("hello World");
    });

    test("write() takes more chunks than one system call does", async () => {
      const path = join(root, "many");
      const file = await disk.open(path, { mode: "create", durableWrites: true }, soon());
      const chunks = Array.from({ length: 3000 }, (_, i) => encode(String(i % 10)));
      await file.write(chunks, 5, soon());
      expect(await file.size(soon())).toBe(3005);
      await file.close(soon());
      expect((await contentOf(path)).slice(5)).toBe(chunks.map((_, i) => i % 10).join(""));
    });

    test("write() beyond the end leaves zeros in between", async () => {
      const path = join(root, "hole");
      const file = await disk.open(path, { mode: "create" }, soon());
      await file.write([encode("x")], 3, soon());
      await file.close(soon());
      expect(await contentOf(path)).toBe("\0\0\0x");
    });

    test("read() is short at the end of the file and 0 behind it", async () => {
      const path = join(root, "short");
      await make1(path, "abc");
      const file = await disk.open(path, { mode: "read" }, soon());
      const into = new Uint8Array(8);
      expect(await file.read(into, 1, soon())).toBe(2);
      expect(into.subarray(0, 2)).toEqual(encode("bc"));
      expect(await file.read(into, 3, soon())).toBe(0);
      expect(await file.read(into, 30, soon())).toBe(0);
      await file.close(soon());
    });

    test("truncate() cuts and extends", async () => {
      const path = join(root, "cut");
      await make1(path, "abcdef");
      const file = await disk.open(path, { mode: "write" }, soon());
      await file.truncate(2, soon());
      await file.truncate(4, soon());
      await file.close(soon());
      expect(await contentOf(path)).toBe("ab\0\0");
    });

    test("open() refuses by mode", async () => {
      await make1(join(root, "there"), "x");
      await expect(disk.open(join(root, "missing"), { mode: "read" }, soon())).rejects.toMatchObject({ name: "IoFailed", code: "ENOENT" });
      await expect(disk.open(join(root, "missing"), { mode: "write" }, soon())).rejects.toMatchObject({ code: "ENOENT" });
      await expect(disk.open(join(root, "there"), { mode: "exclusive" }, soon())).rejects.toMatchObject({ code: "EEXIST" });
      await expect(disk.open(join(root, "no", "parent"), { mode: "create" }, soon())).rejects.toMatchObject({ code: "ENOENT" });
    });

    test("directories: made with parents, listed by name, renamed into, removed with their content", async () => {
      const directory = join(root, "a", "b");
      await disk.makeDirectory(directory, soon());
      await disk.makeDirectory(directory, soon());
      await make1(join(directory, "two"), "2");
      await make1(join(directory, "one"), "1");
      await disk.makeDirectory(join(directory, "three"), soon());
      await disk.rename(join(directory, "two"), join(directory, "one"), soon());
      await disk.syncDirectory(directory, soon());
      expect(await disk.list(directory, soon())).toEqual([{ name: "one", kind: "file" }, { name: "three", kind: "directory" }]);
      expect(await contentOf(join(directory, "one"))).toBe("2");
      await disk.rename(directory, join(root, "moved"), soon());
      expect(await contentOf(join(root, "moved", "one"))).toBe("2");
      await disk.removeFile(join(root, "moved", "one"), soon());
      await expect(disk.removeFile(join(root, "moved", "one"), soon())).rejects.toMatchObject({ code: "ENOENT" });
      await make1(join(root, "moved", "again"), "3");
      await disk.removeDirectory(join(root, "moved"), soon());
      await disk.removeDirectory(join(root, "moved"), soon());
      await expect(disk.list(join(root, "moved"), soon())).rejects.toMatchObject({ code: "ENOENT" });
    });

    test("an open file outlives its name", async () => {
      const path = join(root, "unlinked");
      await make1(path, "abc");
      const file = await disk.open(path, { mode: "write" }, soon());
      await disk.removeFile(path, soon());
      const into = new Uint8Array(3);
      expect(await file.read(into, 0, soon())).toBe(3);
      await file.write([encode("z")], 0, soon());
      await file.close(soon());
    });

    test("lock() is exclusive, also within one process, until released", async () => {
      const path = join(root, "lock");
      const first = await disk.lock(path, soon());
      await expect(disk.lock(path, soon())).rejects.toMatchObject({ name: "IoFailed", code: "EWOULDBLOCK" });
      first.release();
      first.release();
      (await disk.lock(path, soon())).release();
    });

    test("space() knows the size of the disk", async () => {
      const { totalBytes, freeBytes } = await disk.space(root, soon());
      expect(totalBytes).toBeGreaterThan(0);
      expect(freeBytes).toBeGreaterThan(0);
      expect(freeBytes).toBeLessThanOrEqual(totalBytes);
    });

    test("many syncs at once all resolve", async () => {
      const file = await disk.open(join(root, "syncs"), { mode: "create" }, soon());
      await file.write([encode("x")], 0, soon());
      await Promise.all(Array.from({ length: 20 }, () => file.sync(soon())));
      await file.close(soon());
    });
  });
}

const noFatal = () => {
  throw new Error("fatal in a test");
};

conformance("real", () => {
  const root = mkdtempSync(join(tmpdir(), "barnabas-disk-"));
  return { io: createRealIo({ onFatal: noFatal }), root, remove: () => rmSync(root, { recursive: true, force: true }) };
});

conformance("memory", () => ({ io: createMemoryIo({ onFatal: noFatal }), root: "/", remove() {} }));

describe("memory disk crash()", () => {
  const { deadlines } = createMemoryIo({ onFatal: noFatal });
  const soon = () => deadlines.in("test", 5000);

  async function textOf(disk: Disk, path: string): Promise<string> {
    const file = await disk.open(path, { mode: "read" }, soon());
    const into = new Uint8Array(await file.size(soon()));
    await file.read(into, 0, soon());
    await file.close(soon());
    return new TextDecoder().decode(into);
  }

  test("takes back writes and truncations since the last sync", async () => {
    const disk = createMemoryDisk(1 << 24);
    const file = await disk.open("/f", { mode: "create" }, soon());
    await disk.syncDirectory("/", soon());
    await file.write([encode("durable")], 0, soon());
    await file.sync(soon());
    await file.write([encode("D")], 0, soon());
    await file.truncate(2, soon());
    await file.write([encode("tail")], 5, soon());
    expect(await textOf(disk, "/f")).toBe("Du\0\0\0tail");
    disk.crash();
    expect(await textOf(disk, "/f")).toBe("durable");
    await expect(file.sync(soon())).rejects.toMatchObject({ code: "EBADF" });
  });

  test("keeps durable writes, also over pending ones", async () => {
    const disk = createMemoryDisk(1 << 24);
    const lazy = await disk.open("/f", { mode: "create" }, soon());
    const durable = await disk.open("/f", { mode: "write", durableWrites: true }, soon());
    await disk.syncDirectory("/", soon());
    await durable.write([encode("abcdef")], 0, soon());
    await lazy.write([encode("XXXX")], 1, soon());
    await durable.write([encode("yy")], 2, soon());
    disk.crash();
    expect(await textOf(disk, "/f")).toBe("abyyef");
  });

  test("forgets names whose directory was not synced", async () => {
    const disk = createMemoryDisk(1 << 24);
    await disk.makeDirectory("/d", soon());
    await disk.syncDirectory("/", soon());
    for (const name of ["kept", "removed", "moved"]) {
      const file = await disk.open(`/d/${name}`, { mode: "create", durableWrites: true }, soon());
      await file.write([encode(name)], 0, soon());
      await file.close(soon());
    }
    await disk.syncDirectory("/d", soon());
    await (await disk.open("/d/new", { mode: "create" }, soon())).close(soon());
    await disk.removeFile("/d/removed", soon());
    await disk.rename("/d/moved", "/d/elsewhere", soon());
    disk.crash();
    expect((await disk.list("/d", soon())).map(({ name }) => name)).toEqual(["kept", "moved", "removed"]);
    expect(await textOf(disk, "/d/removed")).toBe("removed");
  });

  test("returns the space of what is gone, and fills up at its size", async () => {
    const disk = createMemoryDisk(1 << 20);
    const { freeBytes } = await disk.space("/", soon());
    for (let round = 0; round < 5; round++) {
      await disk.makeDirectory("/d", soon());
      const file = await disk.open("/d/f", { mode: "create" }, soon());
      await disk.syncDirectory("/d", soon());
      await file.write([new Uint8Array(900_000)], 0, soon());
      await expect(file.write([new Uint8Array(900_000)], 900_000, soon())).rejects.toMatchObject({ code: "ENOSPC" });
      if (round === 3) {
        disk.crash();
        expect((await disk.space("/", soon())).freeBytes).toBe(freeBytes);
        continue;
      }
      await file.close(soon());
      await disk.removeDirectory("/d", soon());
      expect((await disk.space("/", soon())).freeBytes).toBe(freeBytes);
    }
  });

  test("drops locks", async () => {
    const disk = createMemoryDisk(1 << 20);
    const before = await disk.lock("/lock", soon());
    disk.crash();
    const after = await disk.lock("/lock", soon());
    before.release();
    await expect(disk.lock("/lock", soon())).rejects.toMatchObject({ code: "EWOULDBLOCK" });
    after.release();
  });
});

describe("real disk lock()", () => {
  test("holds against another process and ends when that one is killed", async () => {
    const root = mkdtempSync(join(tmpdir(), "barnabas-lock-"));
    try {
      const io = createRealIo({ onFatal: noFatal });
      const path = join(root, "lock");
      const soon = () => io.deadlines.in("test", 5000);
      const module = new URL("../../lib/io/real/lock.ts", import.meta.url).pathname;
      const script = `const { lockFile } = await import(${JSON.stringify(module)});
        globalThis.held = lockFile(${JSON.stringify(path)}); console.log("locked"); setInterval(() => {}, 1000);`;
      const holder = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe" });
      const { value } = await holder.stdout.getReader().read();
      expect(new TextDecoder().decode(value)).toBe("locked\n");
      await expect(io.disk.lock(path, soon())).rejects.toMatchObject({ code: "EWOULDBLOCK" });
      holder.kill("SIGKILL");
      await holder.exited;
      (await io.disk.lock(path, soon())).release();
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });
});
