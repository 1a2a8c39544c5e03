/** Plays every script of `tests/scenarios/raft`. With `REWRITE=1` in the environment the transcripts are written anew; read the diff. */
import { expect, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { play } from "./scenario.ts";

const folder = new URL("../scenarios/raft/", import.meta.url).pathname;

for (const file of readdirSync(folder).filter((name) => name.endsWith(".txt")).sort()) {
  test(`raft follows ${file}`, () => {
    const path = folder + file;
    const script = readFileSync(path, "utf8");
    const transcript = play(script);
    if (process.env["REWRITE"] === "1") writeFileSync(path, transcript);
    else expect(transcript).toBe(script);
  });
}
