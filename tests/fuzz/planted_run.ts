/** The fuzzer over targets that are wrong in every way that it must notice: `bun tests/fuzz/planted_run.ts --target NAME`. For watched_test.ts. */
import { runCommand } from "./command.ts";
import type { Target } from "./target.ts";

/** About every hundredth input has it; every other holds. */
export const WRONG = 7;
const PRINTABLE = 96;

const planted = (name: string, wrong: () => void | Promise<void>): Target => ({
  name,
  inputsInTest: 0,
  generate: (draws) => ({ about: {}, bytes: Uint8Array.from({ length: 1 + draws.below(2) }, () => draws.below(PRINTABLE)) }),
  check: ({ bytes }) => bytes.includes(WRONG) ? wrong() : undefined,
});

const kept: unknown[] = [];
/** Every input takes one: the blame falls on a later one, however slow the machine is. */
const TURNS_LATER = 5;
const inTurns = (turns: number, act: () => void): void => void setImmediate(() => turns > 0 ? inTurns(turns - 1, act) : act());
const MIB = 1024 * 1024;

export const PLANTED: readonly Target[] = [
  planted("loops", () => {
    for (;;);
  }),
  planted("waits", () => new Promise(() => void setInterval(() => {}, 1_000))),
  planted("forgets", () => new Promise(() => {})),
  planted("hoards", () => {
    for (;;) kept.push(new Uint8Array(MIB).fill(1));
  }),
  planted("reserves", () => void new Uint8Array(200 * MIB)),
  planted("swells", () => void Array.from({ length: 200 }, () => new Uint8Array(MIB).fill(1))),
  planted("throws", () => void (undefined as unknown as Uint8Array).length),
  planted("rejects", () => Promise.reject(new RangeError("not what was agreed"))),
  planted("rejects_unseen", () => void Promise.reject(new RangeError("nobody looks"))),
  planted("throws_later", () =>
    inTurns(TURNS_LATER, () => {
      throw new RangeError("much later");
    })),
  planted("exits", () => process.exit(0)),
  planted("exits_failing", () => process.exit(3)),
  planted("is_killed", () => void process.kill(process.pid, "SIGKILL")),
  planted("recurses", () => {
    const deeper = (): number => 1 + deeper();
    deeper();
  }),
];

if (import.meta.main) process.exit(await runCommand(PLANTED, import.meta.path, process.argv.slice(2)));
