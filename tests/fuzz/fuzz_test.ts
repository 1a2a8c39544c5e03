/** A fixed number of inputs of every target, and everything that once was a finding. Fresh ones: `bun tests/fuzz/run.ts`. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { basename } from "node:path";
import { corpusOf, readInput } from "./corpus.ts";
import { fuzz, inputOf } from "./engine.ts";
import { shrunk } from "./shrink.ts";
import { type Input, must, type Target } from "./target.ts";
import { TARGETS } from "./targets/mod.ts";

const SEED = 1;

for (const target of TARGETS) {
  describe(target.name, () => {
    beforeAll(() => target.open?.());
    afterAll(() => target.close?.());

    for (const path of corpusOf(target.name)) {
      test(`holds for ${basename(path)}, which was a finding`, async () => {
        await target.check(readInput(path));
      }, 60_000);
    }

    test(`holds for ${target.inputsInTest} inputs`, async () => {
      const { inputs, finding } = await fuzz(target, { seed: SEED, count: target.inputsInTest });
      if (finding !== null) {
        throw new Error(`Input ${finding.index} of seed ${SEED}: ${Bun.inspect(finding.input)}`, { cause: finding.failure });
      }
      expect(inputs).toBe(target.inputsInTest);
    }, 60_000);
  });
}

describe("the engine", () => {
  /** Fails for every input that has a 7 in it. */
  const planted: Target = {
    name: "planted",
    inputsInTest: 0,
    generate: (draws) => ({ about: {}, bytes: draws.bytes(40) }),
    check: ({ bytes }: Input) => must(!bytes.includes(7), `byte ${bytes.indexOf(7)} is a 7`),
  };

  test("finds what is wrong, at the same input each time, and makes it small", async () => {
    const first = await fuzz(planted, { seed: 3, count: 1000 });
    const second = await fuzz(planted, { seed: 3, count: 1000 });
    expect(first.finding).toMatchObject({ target: "planted", input: { bytes: Uint8Array.of(7) } });
    expect(second).toEqual(first);
    expect(inputOf(planted, 3, first.finding!.index).bytes).toContain(7);
  });

  test("keeps to the failure that it makes small", async () => {
    const other: Target = { ...planted, check: ({ bytes }) => must(bytes.length > 5, bytes.length === 0 ? "nothing" : "too short") };
    const failure = new Error("too short");
    failure.name = "Finding";
    expect((await shrunk(other, { about: {}, bytes: Uint8Array.of(1, 2, 3) }, failure)).bytes).toEqual(Uint8Array.of(0));
  });
});
