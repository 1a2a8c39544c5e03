/**
 * `bun tests/fuzz/run.ts [--target NAME] [--seconds N | --inputs N] [--seed S] [--json]`: fresh inputs for every target in turn, the seconds
 * shared among them. With a finding it writes the input, as small as it gets, and the command that tries it again, and exits with 1.
 * `--target NAME --input FILE` is that command.
 */
import { parseArgs } from "node:util";
import { readInput } from "./corpus.ts";
import { failureOf } from "./shrink.ts";
import { TARGETS } from "./targets/mod.ts";
import { type Report, runOne, watched } from "./watched.ts";

const SECONDS = 60;

const { values } = parseArgs({
  options: {
    target: { type: "string" },
    seconds: { type: "string" },
    inputs: { type: "string" },
    seed: { type: "string" },
    json: { type: "boolean", default: false },
    input: { type: "string" },
    /** Internal: this process is the one of its target, and tells here where it is. */
    progress: { type: "string" },
  },
});
const chosen = TARGETS.filter(({ name }) => values.target === undefined || values.target === name);
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 32));
const inputs = values.inputs === undefined ? Infinity : Number(values.inputs);
const seconds = values.inputs === undefined ? Number(values.seconds ?? SECONDS) / Math.max(1, chosen.length) : Infinity;

if (chosen.length === 0 || !(seconds > 0) || !(inputs > 0) || !(seed >= 0)) {
  console.error(`Nothing to do: the targets are ${TARGETS.map(({ name }) => name).join(", ")}; seconds, inputs and seed are numbers`);
  process.exit(2);
}
if (values.progress !== undefined) {
  console.log(JSON.stringify(await runOne(chosen[0]!, { seed, inputs, seconds }, values.progress)));
  process.exit(0);
}
process.exit(values.input === undefined ? await all() : await again(values.input));

async function all(): Promise<number> {
  if (!values.json) console.log(`seed ${seed}`);
  let found = 0;
  for (const target of chosen) {
    const report = await watched(import.meta.path, target, { seed, inputs, seconds });
    if (report.finding !== null) found++;
    console.log(values.json ? JSON.stringify(report) : inWords(report));
  }
  return found === 0 ? 0 : 1;
}

function inWords({ target, inputs, seconds, finding }: Report): string {
  const rate = Math.round(inputs / seconds * 60).toLocaleString("en");
  const line = `${target.padEnd(16)} ${inputs.toLocaleString("en").padStart(12)} inputs  ${rate.padStart(12)} a minute`;
  if (finding === null) return line;
  return `${line}\n  FOUND with input ${finding.index}: ${finding.failure}\n  again: bun tests/fuzz/run.ts --target ${target} --input ${finding.file}`;
}

/** Tries an input that was kept. */
async function again(path: string): Promise<number> {
  const target = chosen[0]!;
  await target.open?.();
  const failure = await failureOf(target, readInput(path));
  await target.close?.();
  console.log(failure === null ? "It holds" : failure.stack ?? failure.message);
  return failure === null ? 0 : 1;
}
