/** The examples of the consumer in docs/client.md, run as they stand there. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { Broker, Consumer } from "../../../mod.ts";

const page = await Bun.file(join(import.meta.dir, "../../../docs/client.md")).text();

/** Runs the block of that name with what it takes for granted. */
async function example(name: string, given: Readonly<Record<string, unknown>>, result = "undefined"): Promise<unknown> {
  const code = new RegExp(`^\`\`\`ts ${name}\\n([\\s\\S]*?)^\`\`\``, "m").exec(page)?.[1];
  if (code === undefined) throw new Error(`docs/client.md has no example "${name}"`);
  const AsyncFunction = (async () => {}).constructor as new (...source: string[]) => (...values: unknown[]) => Promise<unknown>;
  return await new AsyncFunction(...Object.keys(given), `${code}\nreturn ${result};`)(...Object.values(given));
}

test("docs/client.md: a group reads every record", async () => {
  await using broker = await Broker.start({ storage: "memory", topics: ["orders"] });
  await broker.produce("orders", [{ value: "1" }, { value: "2" }, { value: "3" }]);
  const seen: unknown[] = [];
  const reading = example("consumer", {
    Consumer,
    bootstrapServers: broker.bootstrapServers,
    handle: (...record: unknown[]) => {
      seen.push(record);
      if (seen.length === 3) throw new Error("read");
    },
  });
  await expect(reading).rejects.toThrow("read");
  expect(seen).toEqual([["orders", 0, 0, "1"], ["orders", 0, 1, "2"], ["orders", 0, 2, "3"]]);
});

test("docs/client.md: a partition is read from a time on", async () => {
  await using broker = await Broker.start({ storage: "memory", topics: ["orders"] });
  await broker.produce("orders", [{ value: "old", timestamp: 1_000 }, { value: "new", timestamp: 5_000 }]);
  const records = await example("assign", { Consumer, bootstrapServers: broker.bootstrapServers, startOfDay: 2_000 }, "records");
  expect(records).toMatchObject([{ offset: 1, timestamp: 5_000 }]);
});
