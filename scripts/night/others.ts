/** The parts of a night that are programs of their own: what is tried exhaustively, once, and the fuzzer, again and again. */
import { commandFor } from "../../tests/fuzz/command.ts";
import type { Report } from "../../tests/fuzz/watched.ts";
import type { Children } from "./children.ts";
import { count, type Part, timeText } from "./part.ts";

/** Each file of exhaustive tests once, with everything that it can try; a short night has them as `npm test` has. */
export class Exhaustive implements Part {
  readonly name = "exhaustive";
  readonly found: string[] = [];
  readonly #lines: string[] = [];
  readonly #waiting: string[];

  readonly share: number;
  readonly #children: Children;

  readonly #isShort: boolean;

  constructor(files: readonly string[], share: number, children: Children, isShort: boolean) {
    this.#isShort = isShort;
    this.#waiting = [...files];
    this.share = share;
    this.#children = children;
  }

  next(): (() => Promise<void>) | null {
    const file = this.#waiting.shift();
    if (file === undefined) return null;
    return async () => {
      const startedAt = performance.now();
      const { code, error } = await this.#children.run(
        [process.execPath, "test", "--timeout", "7200000", `./${file}`],
        this.#isShort ? {} : EVERYTHING,
      );
      const took = timeText(performance.now() - startedAt);
      const passed = /^ *(\d+) pass$/m.exec(error)?.[1] ?? "0";
      if (code !== 0 && this.#children.stopped) this.#lines.push(`${file}: not finished, it was ended after ${took}`);
      else if (code !== 0) this.found.push(`${file} failed: ${/^error: .*$/m.exec(error)?.[0] ?? `exit code ${code}`}`);
      else this.#lines.push(`${file}: ${passed} tests hold${this.#isShort ? ", a share of the cases" : ""}, ${took}`);
    };
  }

  summary(): readonly string[] {
    return [...this.#lines, ...this.#waiting.map((file) => `${file}: not run: no time left`)];
  }
}

const FUZZ = "tests/fuzz/run.ts";
/** What the exhaustive tests look at. */
const EVERYTHING = { EXHAUSTIVE: "1", CRASH_EVERY: "1" };

export class Fuzz implements Part {
  readonly name = "fuzz";
  readonly found: string[] = [];
  readonly #inputs = new Map<string, number>();
  readonly #seconds = new Map<string, number>();
  #seed: number;
  #isRunning = false;

  readonly share: number;
  readonly #children: Children;

  constructor(share: number, children: Children, first: number) {
    this.share = share;
    this.#children = children;
    this.#seed = first % 2 ** 32;
  }

  next(forMs: number): (() => Promise<void>) | null {
    if (this.#isRunning) return null;
    this.#isRunning = true;
    const seed = this.#seed++;
    return async () => {
      const seconds = Math.max(5, Math.round(forMs / 1000));
      const { out, error, code } = await this.#children.run([
        process.execPath,
        FUZZ,
        "--seconds",
        `${seconds}`,
        "--seed",
        `${seed}`,
        "--json",
      ]);
      this.#isRunning = false;
      const reports = out.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line) as Report);
      for (const report of reports) this.#add(report);
      if (reports.length === 0 && !this.#children.stopped) {
        this.found.push(`fuzz: ended with ${code}: ${error.trim().split("\n")[0] ?? ""}`);
      }
    };
  }

  #add(report: Report): void {
    const { target, inputs, seconds, finding } = report;
    this.#inputs.set(target, (this.#inputs.get(target) ?? 0) + inputs);
    this.#seconds.set(target, (this.#seconds.get(target) ?? 0) + seconds);
    if (finding !== null) {
      this.found.push(`fuzz ${target}: ${finding.failure.split("\n")[0]}: ${commandFor(report, FUZZ)}`);
    }
  }

  summary(): readonly string[] {
    if (this.#inputs.size === 0) return ["no target ended within the time"];
    return [...this.#inputs].map(([target, inputs]) =>
      `${target.padEnd(16)} ${count(inputs).padStart(12)} inputs, ${count(inputs * 60 / this.#seconds.get(target)!)} a minute`
    );
  }
}
