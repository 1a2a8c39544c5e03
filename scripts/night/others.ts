/** The parts of a night that are programs of their own: what is tried exhaustively, once, and the fuzzer, again and again. */
import { commandFor } from "../../tests/fuzz/command.ts";
import type { Report } from "../../tests/fuzz/watched.ts";
import type { Children } from "./children.ts";
import { count, type Part, timeText } from "./part.ts";

/** Of each file; small enough that the end of the time leaves little unfinished. */
const PARTS = 64;
const FUZZ = "tests/fuzz/run.ts";

/** What one file of exhaustive tests came to. */
interface Tried {
  /** Parts that held. */
  held: number;
  failed: number;
  ms: number;
}

/** Everything that the exhaustive tests can try, once: a part of each file, then the next part of each. */
export class Exhaustive implements Part {
  readonly name = "exhaustive";
  readonly found: string[] = [];
  readonly #tried: ReadonlyMap<string, Tried>;
  readonly #waiting: { readonly file: string; readonly part: number }[];

  readonly share: number;
  readonly #children: Children;

  constructor(files: readonly string[], share: number, children: Children) {
    this.#tried = new Map(files.map((file) => [file, { held: 0, failed: 0, ms: 0 }]));
    this.#waiting = Array.from({ length: PARTS }, (_, part) => files.map((file) => ({ file, part: part + 1 }))).flat();
    this.share = share;
    this.#children = children;
  }

  next(): (() => Promise<void>) | null {
    const piece = this.#waiting.shift();
    if (piece === undefined) return null;
    const { file, part } = piece;
    return async () => {
      const startedAt = performance.now();
      const EXHAUSTIVE = `${part}/${PARTS}`;
      const { code, error } = await this.#children.run([process.execPath, "test", "--timeout", "7200000", `./${file}`], { EXHAUSTIVE });
      const tried = this.#tried.get(file)!;
      tried.ms += performance.now() - startedAt;
      if (code === 0) tried.held++;
      else if (!this.#children.stopped) {
        tried.failed++;
        const why = /^error: .*$/m.exec(error)?.[0] ?? `exit code ${code}`;
        this.found.push(`EXHAUSTIVE=${EXHAUSTIVE} bun test ./${file}: ${why}`);
      }
    };
  }

  summary(): readonly string[] {
    return [...this.#tried].map(([file, { held, failed, ms }]) => {
      const left = PARTS - held - failed;
      const rest = left === 0 ? "that is all of it" : `${left} left: no time`;
      return `${file.padEnd(48)} ${String(held).padStart(2)} of ${PARTS} parts hold, ${failed} failed, ${timeText(ms)}; ${rest}`;
    });
  }
}

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
