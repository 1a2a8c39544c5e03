/** Targets that are wrong in every way there is: each is noticed, the input to blame is named and kept, and fails again from its file. */
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readInput } from "./corpus.ts";
import { PLANTED, WRONG } from "./planted_run.ts";
import { notesIn, type Report } from "./watched.ts";

const folder = mkdtempSync(join(tmpdir(), "barnabas-watched-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Some hundred inputs hold for every one that does not. */
const INPUTS = 500;
const HANGS = ["loops", "waits", "forgets"];

/** What must be said of each. */
const SAID: Readonly<Record<string, RegExp>> = {
  loops: /^It hangs: no end within 2000 ms$/,
  waits: /^It hangs: no end within 2000 ms$/,
  forgets: /^It hangs: no end within 2000 ms$/,
  hoards: /^It takes more than \d+ bytes of memory$/,
  reserves: /^Finding: A buffer of 200 MiB was asked for, where 64 MiB are allowed/,
  swells: /^Finding: It took 2\d\d MiB of memory, where 64 MiB are allowed/,
  throws: /^TypeError: /,
  rejects: /^RangeError: not what was agreed/,
  rejects_unseen: /^RangeError: nobody looks/,
  throws_later: /^RangeError: much later/,
  exits: /^The process ended with 0, and not by itself/,
  exits_failing: /^The process ended with 3, and not by itself/,
  is_killed: /^The process ended with SIGKILL, and not by itself/,
  recurses: /^RangeError: Maximum call stack size exceeded/,
};
/** Seen too late to know which input it was. */
const LATE = ["throws_later"];
/** Needs what only Linux tells: the memory of another process, and the peak of the own one. */
const LINUX = ["hoards", "swells"];

function started(args: readonly string[]) {
  const command = [process.execPath, join(import.meta.dir, "planted_run.ts"), ...args];
  return Bun.spawn(command, { env: { ...process.env, TMPDIR: folder }, stdout: "pipe", stderr: "inherit", stdin: "ignore" });
}

async function fuzzer(...args: readonly string[]): Promise<{ readonly out: string; readonly code: number }> {
  const child = started(args);
  return { out: (await new Response(child.stdout).text()).trimEnd(), code: await child.exited };
}

const working = (): readonly string[] => readdirSync(join(folder, "barnabas-fuzz")).filter((name) => name.startsWith("run-"));

/** Until the one process that works is at an input, and stays there. */
async function standsStill(): Promise<void> {
  let last = -1;
  for (let times = 0; times < 200;) {
    await new Promise((resolve) => setImmediate(resolve));
    const [name] = working();
    const progress = name === undefined ? null : join(folder, "barnabas-fuzz", name, "progress");
    // The folder is there before the file, and the file before what it says.
    if (progress === null || !existsSync(progress) || statSync(progress).size === 0) continue;
    const { index } = notesIn(progress);
    times = index === last && index >= 0 ? times + 1 : 0;
    last = index;
  }
}

describe("the fuzzer notices a target that", () => {
  test("is in this list", () => expect(Object.keys(SAID)).toEqual(PLANTED.map(({ name }) => name)));

  for (const [target, said] of Object.entries(SAID)) {
    if (process.platform !== "linux" && LINUX.includes(target)) continue;
    test.concurrent(target, async () => {
      // A loaded machine makes everything slow; only what never ends must not take long here.
      const limits = ["--hangs-ms", HANGS.includes(target) ? "2000" : "50000", "--memory-mib", "600"];
      const { out, code } = await fuzzer(...limits, "--target", target, "--inputs", String(INPUTS), "--seed", "1", "--json");
      expect(code).toBe(1);
      const { finding, inputs } = JSON.parse(out) as Report;
      expect(finding!.failure).toMatch(said);
      expect(inputs).toBe(finding!.index + 1);
      // Inputs went well before.
      expect(inputs).toBeGreaterThan(2);
      const isLate = LATE.includes(target);
      expect(finding!.alone).toBe(!isLate);
      if (isLate) return;
      expect(readInput(finding!.file!).bytes).toContain(WRONG);
      expect(await fuzzer(...limits, "--input", finding!.file!)).toEqual({ out: expect.stringMatching(said), code: 1 });
    }, 60_000);
  }

  test("leaves nothing of its processes behind", () => expect(working()).toEqual([]));

  test("hangs, when it is told to end: at once, with its process", async () => {
    const child = started(["--target", "loops", "--seconds", "1000", "--seed", "1"]);
    const said = child.stdout.getReader();
    await said.read();
    await standsStill();
    child.kill("SIGTERM");
    expect(await child.exited).toBe(0);
    // In as many pieces as the pipe likes.
    let rest = "";
    for (let piece = await said.read(); !piece.done; piece = await said.read()) rest += new TextDecoder().decode(piece.value);
    expect(rest).toContain("Ended before its time");
    expect(working()).toEqual([]);
  }, 60_000);
});
