/** Every planted bug in its turn, again and again from other seeds: how many it takes to find it, and which was missed. */
import { hunt, scriptCatches, SEEDS_MAX, withPlanted } from "../../tests/sim/planted/plant.ts";
import type { PlantedBug } from "../../tests/sim/planted/types.ts";
import type { Children } from "./children.ts";
import type { Part } from "./part.ts";

const SEEDS_APART = 1_000_000;

export class Planted implements Part {
  readonly name = "planted bugs";
  readonly share: number;
  readonly found: string[] = [];
  readonly #bugs: readonly PlantedBug[];
  readonly #children: Children;
  readonly #first: number;
  /** Seeds that it took, each time; 0: its script. */
  readonly #taken = new Map<PlantedBug, number[]>();
  readonly #ran = new Map<PlantedBug, number>();
  #hunts = 0;

  readonly #huntMs: number;

  /** @param huntMs one hunt takes no longer. */
  constructor(bugs: readonly PlantedBug[], share: number, children: Children, first: number, huntMs: number) {
    this.#huntMs = huntMs;
    this.#bugs = bugs;
    this.share = share;
    this.#children = children;
    this.#first = first;
  }

  next(): (() => Promise<void>) | null {
    const bug = this.#bugs[this.#hunts % this.#bugs.length];
    if (bug === undefined) return null;
    const first = this.#first + this.#hunts++ * SEEDS_APART;
    return () =>
      withPlanted(bug, (directory) => this.#hunt(bug, directory, first)).catch((error: Error) => {
        // What is told to end in the middle does not end in order.
        if (!this.#children.stopped) this.found.push(error.message);
      });
  }

  async #hunt(bug: PlantedBug, directory: string, first: number): Promise<void> {
    const taken = this.#taken.get(bug) ?? [];
    this.#taken.set(bug, taken);
    const onChild = (child: Parameters<Children["add"]>[0]): void => this.#children.add(child);
    if (bug.script !== undefined && taken.length === 0) {
      if (await scriptCatches(bug, directory, onChild)) taken.push(0);
      else if (!this.#children.stopped) this.found.push(`Planted bug missed by its script: ${bug.name}`);
      return;
    }
    const { seeds, ran } = await hunt(bug, directory, first, this.#huntMs, onChild);
    this.#ran.set(bug, (this.#ran.get(bug) ?? 0) + ran);
    if (seeds !== null) taken.push(seeds);
    else if (ran >= (bug.seedsMax ?? SEEDS_MAX)) {
      this.found.push(`Planted bug missed by ${ran} seeds from ${first}: ${bug.tier}: ${bug.name}`);
    }
  }

  summary(): readonly string[] {
    return this.#bugs.map((bug) => {
      const taken = this.#taken.get(bug) ?? [];
      const mean = taken.reduce((sum, seeds) => sum + seeds, 0) / taken.length;
      return `${bug.tier.padEnd(8)} ${bug.name.padEnd(66)} ${
        taken.length > 0
          ? `${mean.toFixed(1)} seeds, ${taken.length} times`
          : this.#taken.has(bug)
          ? `not caught yet by ${this.#ran.get(bug) ?? 0} seeds`
          : "not tried: no time left"
      }`;
    });
  }
}
