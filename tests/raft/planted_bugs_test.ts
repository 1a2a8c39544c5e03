/**
 * Shows that the scripts see: the core is copied with one line made wrong, and a script must go another way. For bugs that need an order of
 * things which seeds meet once in hundreds (HAZARDS R3, R4); what seeds find is in `tests/sim/planted/raft.ts`. A bug whose line is no longer there
 * fails the test, so that the list follows the code.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Raft, RaftOptions } from "../../lib/raft/mod.ts";
import { play } from "./scenario.ts";

const source = new URL("../../lib/raft/", import.meta.url).pathname;

interface Planted {
  readonly bug: string;
  readonly line: string;
  readonly wrong: string;
  /** In `tests/scenarios/raft`. */
  readonly script: string;
}

const planted: readonly Planted[] = [
  {
    bug: "a vote sent before it is on disk",
    line: 'this.#state.ready.sendOncePersisted({ kind: "voteReply"',
    wrong: 'this.#state.ready.send({ kind: "voteReply"',
    script: "election.txt",
  },
  {
    bug: "an entry of an older term committed by counting",
    line: "|| state.log.termAt(reached) !== this.#term",
    wrong: "",
    script: "figure_8.txt",
  },
  {
    bug: "a write from before the log was cut taken for what grew there since",
    line: "if (term < this.#cutInTerm) return false;",
    wrong: "",
    script: "append_aba.txt",
  },
  {
    bug: "a commit index on disk ahead of the entries",
    line: "const commit = Math.min(this.commit, this.#durable);",
    wrong: "const commit = this.commit;",
    script: "append_aba.txt",
  },
];

let folder = "";
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), "planted-"))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

for (const { bug, line, wrong, script } of planted) {
  test(`${script} finds ${bug}`, async () => {
    const { Raft: Wrong } = await import(plant(line, wrong)) as { readonly Raft: typeof Raft };
    const build = (options: RaftOptions): Raft => new Wrong(options);
    const told = readFileSync(new URL(`../scenarios/raft/${script}`, import.meta.url), "utf8");
    expect(play(told)).toBe(told);
    expect(play(told, build)).not.toBe(told);
  }, 60_000);
}

/** @returns the module of a copy in which `line` is replaced wherever it stands. */
function plant(line: string, wrong: string): string {
  const copy = mkdtempSync(join(folder, "raft-"));
  mkdirSync(copy, { recursive: true });
  let places = 0;
  for (const file of readdirSync(source)) {
    const text = readFileSync(source + file, "utf8");
    places += text.split(line).length - 1;
    const elsewhere = new URL("../../lib/protocol/", import.meta.url).pathname;
    writeFileSync(join(copy, file), text.replaceAll(line, wrong).replaceAll("../protocol/", elsewhere));
  }
  expect(places).toBeGreaterThan(0);
  return join(copy, "mod.ts");
}
