import { describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Broker, SettingsRefused } from "../mod.ts";

describe("Broker.start()", () => {
  test("serves in memory, on free ports, many at a time", async () => {
    await using first = await Broker.start({
      storage: "memory",
      topics: ["orders", { name: "clicks", partitions: 3 }],
      admin: "127.0.0.1:0",
    });
    await using second = await Broker.start({ storage: "memory" });
    expect(first.address.port).not.toBe(second.address.port);
    expect(first.bootstrapServers).toBe(`127.0.0.1:${first.address.port}`);
    expect(second.adminAddress).toBeNull();
    const metrics = await (await fetch(`http://127.0.0.1:${first.adminAddress!.port}/metrics`)).text();
    expect(metrics).toMatch(/^barnabas_topics 2$/m);
    expect(metrics).toMatch(/^barnabas_partitions 4$/m);
  });

  test("finds in a directory what it left there, and lets go of it", async () => {
    const directory = await mkdtemp(join(tmpdir(), "barnabas-embed-"));
    try {
      await (await Broker.start({ storage: directory, topics: ["orders"] })).close();
      await using again = await Broker.start({ storage: directory, admin: "127.0.0.1:0" });
      expect(await (await fetch(`http://127.0.0.1:${again.adminAddress!.port}/metrics`)).text()).toMatch(/^barnabas_topics 1$/m);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });

  test("can be closed twice", async () => {
    const broker = await Broker.start({ storage: "memory" });
    await Promise.all([broker.close(), broker.close()]);
    await broker.close();
  });

  test("refuses settings that cannot be used, by name", async () => {
    expect(Broker.start({ storage: "memory", settings: { "num.partition": "3" } })).rejects.toThrow('did you mean "num.partitions"?');
    expect(Broker.start({ storage: "memory", settings: { "num.partitions": "-3" } })).rejects.toBeInstanceOf(SettingsRefused);
    await expect(Broker.start({ storage: "memory", topics: ["a/b"] })).rejects.toThrow("a/b");
  });
});
