/** A start that is refused takes back what it made, and nothing else. */
import { afterEach, describe, expect, test } from "bun:test";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadSettings, NodeSettings } from "../../lib/config/mod.ts";
import { createRealIo } from "../../lib/io/real/mod.ts";
import { type BootTopic, SettingsRefused, startNode } from "../../lib/node.ts";
import { finished, start as program } from "../cli/program.ts";

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});
async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "barnabas-refused-"));
  folders.push(path);
  return path;
}

function start(directory: string, settings: Readonly<Record<string, string>>, topics: readonly BootTopic[] = []) {
  const given = { "listeners": "PLAINTEXT://127.0.0.1:0", "admin.listener": "none", ...settings };
  const { given: checked, errors } = loadSettings({ flags: new Map(Object.entries(given)) });
  expect(errors).toEqual([]);
  return startNode({
    io: createRealIo({ onFatal: (_, why) => expect(why).toBe("") }),
    config: new NodeSettings(checked),
    directory,
    inMemory: false,
    topics,
  });
}
const topic = (name: string): BootTopic => ({ name, partitions: 1, configs: new Map() });

describe("startNode() that is refused", () => {
  test("removes the directory that it made: an address of the second listener is taken", async () => {
    using taken = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => undefined } });
    const parent = await folder();
    const listeners = `A://127.0.0.1:0,B://127.0.0.1:${taken.port}`;
    await expect(start(join(parent, "data"), { listeners })).rejects.toMatchObject({ code: "EADDRINUSE" });
    expect(await readdir(parent)).toEqual([]);
  });
  test("removes it also when the admin address is taken, and for topics that cannot be", async () => {
    using taken = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => undefined } });
    const parent = await folder();
    await expect(start(join(parent, "data"), { "admin.listener": `127.0.0.1:${taken.port}` })).rejects.toMatchObject({
      code: "EADDRINUSE",
    });
    await expect(start(join(parent, "data"), {}, [topic("good"), topic("a/b")])).rejects.toBeInstanceOf(SettingsRefused);
    expect(await readdir(parent)).toEqual([]);
  });
  test("empties a directory that it found empty, and leaves it", async () => {
    using taken = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => undefined } });
    const directory = await folder();
    await expect(start(directory, { listeners: `127.0.0.1:${taken.port}` })).rejects.toMatchObject({ code: "EADDRINUSE" });
    expect(await readdir(directory)).toEqual([]);
  });
  test("touches no directory that somebody uses, or that holds something", async () => {
    using taken = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => undefined } });
    const parent = await folder();
    const directory = join(parent, "data");
    const node = await start(directory, {}, [topic("orders")]);
    const before = await readdir(directory, { recursive: true });
    await expect(start(directory, {})).rejects.toThrow("another node is using it");
    expect((await readdir(directory, { recursive: true })).sort()).toEqual(before.sort());
    await node.stop();
    await expect(start(directory, { listeners: `127.0.0.1:${taken.port}` })).rejects.toMatchObject({ code: "EADDRINUSE" });
    await expect(start(directory, { "node.id": "2" })).rejects.toThrow("belongs to node 1");
    const again = await start(directory, {});
    expect([...again.controller.image.topics.keys()]).toEqual(["orders"]);
    await again.stop();

    const foreign = join(parent, "foreign");
    await mkdir(foreign);
    await writeFile(join(foreign, "thesis.txt"), "mine");
    await expect(start(foreign, {})).rejects.toThrow("thesis.txt");
    expect(await readdir(foreign)).toContain("thesis.txt");
  });
  test("keeps the cluster's id, and refuses another one", async () => {
    const directory = join(await folder(), "data");
    const node = await start(directory, { "cluster.id": "MkU3OEVBNTcwNTJENDM2Qk" });
    expect(node.controller.image.clusterId as string).toBe("MkU3OEVBNTcwNTJENDM2Qg");
    await node.stop();
    await expect(start(directory, { "cluster.id": "4L6g3nShT-eMCtK--X86sw" })).rejects.toThrow(
      'it belongs to cluster "MkU3OEVBNTcwNTJENDM2Qg"',
    );
    const again = await start(directory, {});
    expect(again.controller.image.clusterId as string).toBe("MkU3OEVBNTcwNTJENDM2Qg");
    await again.stop();
  });
  test("names the directory as others see it, not as it was written where the program was started", async () => {
    const parent = await folder();
    await writeFile(join(parent, "notes"), "mine");
    const child = program(["serve", "--listen", "127.0.0.1:0", "--admin", "none", "--data", "notes"], {}, "ignore", parent);
    const { code, error } = await finished(child);
    expect([code, error]).toEqual([expect.any(Number), expect.stringContaining(join(parent, "notes"))]);
    expect(code).not.toBe(0);
    expect(await readdir(parent)).toEqual(["notes"]);
  });
});
