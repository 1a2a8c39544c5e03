/** Fresh seeds of one tier: what they did, the marks that they reached, the scripts of those that failed. */
import type { TierName } from "../../lib/sim/mod.ts";
import type { Children } from "./children.ts";
import { count, type Part, timeText } from "./part.ts";

/** Every piece of work takes its seeds from a range of its own. */
const SEEDS_APART = 1_000_000;

/** As `barnabas sim --json` prints it. */
interface TierReport {
  readonly seeds: number;
  readonly twice: number;
  readonly failed: number;
  readonly virtualMs: number;
  readonly ms: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly marks: Readonly<Record<string, number>>;
  readonly failures: readonly {
    readonly seed: number;
    readonly violation: string;
    readonly command: string;
    readonly script: string | null;
  }[];
}

export class Seeds implements Part {
  readonly name: TierName;
  readonly share: number;
  readonly found: string[] = [];
  readonly #children: Children;
  readonly #directory: string;
  readonly #marks: Map<string, number>;
  readonly #counts = new Map<string, number>();
  #next: number;
  seeds = 0;
  twice = 0;
  failed = 0;
  virtualMs = 0;
  ms = 0;

  /** @param marks of all tiers together, added to. @param first the first seed. @param directory where scripts go. */
  constructor(name: TierName, share: number, children: Children, first: number, directory: string, marks: Map<string, number>) {
    this.name = name;
    this.share = share;
    this.#children = children;
    this.#next = first;
    this.#directory = directory;
    this.#marks = marks;
  }

  next(forMs: number): () => Promise<void> {
    const first = this.#next;
    this.#next += SEEDS_APART;
    return async () => {
      const range = ["--seeds", `${first}-${first + SEEDS_APART - 1}`, "--for", `${Math.ceil(forMs)}ms`];
      const args = ["sim", "--tier", this.name, ...range, "--shrink", "--out", this.#directory, "--json", "--quiet"];
      const { out, error, code } = await this.#children.run([process.execPath, "main.ts", ...args]);
      let report: TierReport;
      try {
        report = (JSON.parse(out) as { readonly tiers: readonly [TierReport] }).tiers[0];
      } catch {
        // Told to end before it listened.
        if (this.#children.stopped && !/does not end/.test(error)) return;
        this.found.push(`${this.name}: the simulator ended with ${code} at seeds from ${first}: ${error.trim().split("\n")[0] ?? ""}`);
        return;
      }
      this.#add(report);
    };
  }

  #add({ seeds, twice, failed, virtualMs, ms, counts, marks, failures }: TierReport): void {
    this.seeds += seeds;
    this.twice += twice;
    this.failed += failed;
    this.virtualMs += virtualMs;
    this.ms += ms;
    for (const [name, times] of Object.entries(marks)) this.#marks.set(name, (this.#marks.get(name) ?? 0) + times);
    for (const [name, times] of Object.entries(counts)) this.#counts.set(name, (this.#counts.get(name) ?? 0) + times);
    // One of each sentence has a script; the others are told by their number.
    for (const { violation, command, script } of failures) {
      if (script !== null) this.found.push(`${command}: ${violation.split("\n")[0]} (${script})`);
    }
    if (failed > 0 && failures.every(({ script }) => script === null)) {
      this.found.push(`${failures[0]!.command}: ${failures[0]!.violation}`);
    }
  }

  summary(): readonly string[] {
    const { seeds, ms, virtualMs, failed, twice } = this;
    const did = [...this.#counts].map(([name, times]) => `${name} ${count(times)}`).join(", ");
    return [
      `${this.name.padEnd(8)} ${count(seeds).padStart(9)} seeds, ${count(seeds * 60_000 / Math.max(1, ms)).padStart(6)}/min on a core, ${
        count(twice)
      } twice, ` +
      `${failed} failed; ${timeText(virtualMs)} simulated, ${count(virtualMs / Math.max(1, ms))} times real time; ${did}`,
    ];
  }
}
