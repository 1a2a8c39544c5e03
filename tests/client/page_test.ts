/** docs/client.md: the examples of producer, admin and errors run one after the other, and print what their comments promise. */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Broker } from "../../mod.ts";

const root = resolve(import.meta.dir, "../..");
const page = await Bun.file(join(root, "docs/client.md")).text();
const examples = [...page.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, code]) => code!);

const shown = (value: unknown): string => typeof value === "string" ? value : JSON.stringify(value);

test("docs/client.md: the examples print what they say", async () => {
  await using broker = await Broker.start({ storage: "memory", topics: ["orders"] });
  const folder = mkdtempSync(join(tmpdir(), "barnabas-page-"));
  const { log } = console;
  try {
    expect(examples.length).toBe(3);
    for (const [i, code] of examples.entries()) {
      const promised = [...code.matchAll(/\/\/ → (.*)$/gm)].flatMap(([, text]) => text!.split(" | "));
      const file = join(folder, `example_${i}.ts`);
      writeFileSync(
        file,
        code.replaceAll('"barnabas"', JSON.stringify(join(root, "mod.ts"))).replaceAll("127.0.0.1:9092", broker.bootstrapServers),
      );
      const printed: string[] = [];
      console.log = (...values: unknown[]) => void printed.push(values.map(shown).join(" "));
      await import(file);
      expect(printed).toEqual(promised);
    }
  } finally {
    console.log = log;
    rmSync(folder, { recursive: true, force: true });
  }
});
