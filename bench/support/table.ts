/** Figures in rows; ratios beside the target they are held to. */

export interface Figure {
  readonly what: string;
  readonly ours: string;
  readonly beside: string;
  /** Ours over the other; above 1 is better. NaN when there is no other. */
  readonly ratio: number;
  /** What the ratio is asked to reach; null when nothing is asked. */
  readonly target: number | null;
}

export const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

export function printTable(title: string, figures: readonly Figure[]): void {
  console.log(`\n${title}`);
  for (const f of figures) {
    const verdict = f.target === null ? "" : f.ratio >= f.target ? `reaches ${f.target}` : `BELOW ${f.target}`;
    console.log(
      `  ${f.what.padEnd(46)} ${f.ours.padStart(26)} ${f.beside.padStart(26)} ${
        (Number.isNaN(f.ratio) ? "" : `${f.ratio.toFixed(2)}x`).padStart(9)
      }  ${verdict}`,
    );
  }
}
