/** The fuzzer's command line over any list of targets; what its flags mean is said in run.ts. */
import { existsSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import type { Target } from "./target.ts";
import { type Limits, type Report, runChild, tryAgain, watched } from "./watched.ts";

const SECONDS = 60;
const HANGS_MS = 60_000;
const MEMORY_MIB = 2048;

/** @param script what starts a process with the same targets. @returns the exit code. */
export async function runCommand(targets: readonly Target[], script: string, args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      target: { type: "string" },
      seconds: { type: "string" },
      inputs: { type: "string" },
      seed: { type: "string" },
      json: { type: "boolean", default: false },
      input: { type: "string" },
      "hangs-ms": { type: "string", default: String(HANGS_MS) },
      "memory-mib": { type: "string", default: String(MEMORY_MIB) },
      /** Internal: this process is the one of its target, and writes into this folder where it is and what it found. */
      process: { type: "string" },
    },
  });
  // A kept input lies in a folder that is named after its target.
  const name = values.target ?? (values.input === undefined ? undefined : basename(dirname(resolve(values.input))));
  const chosen = targets.filter((target) => name === undefined || target.name === name);
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 32));
  const inputs = values.inputs === undefined ? Infinity : Number(values.inputs);
  const seconds = values.inputs === undefined ? Number(values.seconds ?? SECONDS) / Math.max(1, chosen.length) : Infinity;
  const limits: Limits = { hangsMs: Number(values["hangs-ms"]), memoryBytes: Number(values["memory-mib"]) * 1024 * 1024 };

  if (chosen.length === 0 || !(seconds > 0) || !(inputs > 0) || !(seed >= 0) || !(limits.hangsMs > 0) || !(limits.memoryBytes > 0)) {
    console.error(`Nothing to do: the targets are ${targets.map(({ name }) => name).join(", ")}; seconds, inputs and seed are numbers`);
    return 2;
  }
  if (values.input !== undefined && !existsSync(values.input)) {
    console.error(`There is no file "${values.input}"`);
    return 2;
  }
  if (values.process !== undefined) {
    const work = values.input === undefined ? { amount: { seed, inputs, seconds } } : { input: values.input };
    await runChild(chosen[0]!, work, values.process);
    return 0;
  }

  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stop.abort());
  if (values.input !== undefined) return again(await tryAgain(script, chosen[0]!, values.input, limits, stop.signal));

  if (!values.json) console.log(`seed ${seed}`);
  let found = 0;
  for (const target of chosen) {
    const report = await watched(script, target, { seed, inputs, seconds }, limits, stop.signal);
    if (report === null) break;
    if (report.finding !== null) found++;
    console.log(values.json ? JSON.stringify(report) : inWords(report, script));
  }
  if (stop.signal.aborted && !values.json) console.log("Ended before its time");
  return found === 0 ? 0 : 1;
}

/** What shows the finding again, and with it whatever came before when the input alone does not. */
export function commandFor({ target, seed, inputs, finding }: Report, script: string): string {
  const command = `bun ${script.replace(`${process.cwd()}/`, "")} --target ${target}`;
  if (finding?.alone === true) return `${command} --input ${finding.file}`;
  return `${command} --seed ${seed} --inputs ${Math.max(1, inputs)}`;
}

function inWords(report: Report, script: string): string {
  const { target, inputs, seconds, finding } = report;
  const rate = Math.round(inputs / seconds * 60).toLocaleString("en");
  const line = `${target.padEnd(16)} ${inputs.toLocaleString("en").padStart(12)} inputs  ${rate.padStart(12)} a minute`;
  if (finding === null) return line;
  const more = finding.alone ? "" : `, which takes more than this input alone${finding.file === null ? "" : ` (${finding.file})`}`;
  return `${line}\n  FOUND with input ${finding.index}: ${finding.failure}\n  again${more}: ${commandFor(report, script)}`;
}

function again(report: Report | null): number {
  if (report !== null) console.log(report.finding === null ? "It holds" : report.finding.failure);
  return report?.finding === null ? 0 : 1;
}
