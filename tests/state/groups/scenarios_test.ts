/** Scripts as tests: `tests/scenarios/groups/*.txt`. `REWRITE=1 bun test …` writes the transcripts anew, to be reviewed as a diff. */
import { expect, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runScenario } from "./scenario.ts";

const folder = join(import.meta.dir, "../../scenarios/groups");

for (const name of readdirSync(folder)) {
  test(`GroupsMachine: ${name}`, () => {
    const path = join(folder, name);
    const script = readFileSync(path, "utf8");
    const transcript = runScenario(script);
    if (process.env["REWRITE"] === "1") writeFileSync(path, transcript);
    expect(transcript).toBe(process.env["REWRITE"] === "1" ? transcript : script);
  });
}
