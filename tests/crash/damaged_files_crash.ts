/**
 * Files of a stopped node, damaged one at a time, under the real executable (HAZARDS W4, W5, W8). Every start either has everything that
 * was acknowledged, or tells which part it does not have, or refuses with a message that names the file and says what to do. Never is
 * a log shorter without a word: not at the start after that one either, and not once the file is put back.
 *
 * What cannot be told from a torn end is not in the table: damage to the last frames of the newest write-ahead file, which nothing
 * that was written later points to. See docs/hazards.md.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmod, cp, mkdir, mkdtemp, open, readdir, readFile, rename, rm, stat, truncate, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { executable } from "../compat/support/broker.ts";
import { run } from "../compat/support/process.ts";
import { KafkaClient } from "../node/kafka_client.ts";
import { ownFolder, removeFolder } from "../support/own_folder.ts";
import { commit, type Content, createTopics, losses, produce, read, refusals } from "./support/content.ts";
import { isRefused, mustStart, start, type StartOptions } from "./support/executable.ts";

/** Small files, so that there are several of each kind. */
const FLAGS = ["--set", "wal.file.bytes=1572864", "--set", "offsets.topic.num.partitions=2"];
const MS = 30_000;
/** Nobody; only for files that must be out of reach. */
const UID = "65534";

type Outcome = "same" | "told" | "refused";
type State = "killed" | "stopped";

const DAMAGES: Readonly<Record<string, (path: string) => Promise<unknown>>> = {
  "is gone": (path) => rm(path, { recursive: true }),
  "is empty": (path) => truncate(path, 0),
  "is half as long": async (path) => truncate(path, Math.floor((await stat(path)).size / 2)),
  "lacks its last byte": async (path) => truncate(path, (await stat(path)).size - 1),
  "has a wrong bit at its start": (path) => flip(path, 0),
  "has a wrong bit near its start": (path) => flip(path, 20),
  "has a wrong bit in the middle": async (path) => flip(path, Math.floor((await stat(path)).size / 2)),
  "has a wrong bit at its end": async (path) => flip(path, (await stat(path)).size - 1),
  "has other bytes behind it": async (path) => writeFile(path, Buffer.concat([await readFile(path), Buffer.alloc(1000, 0xa7)])),
  "is a folder": async (path) => {
    await rm(path);
    await mkdir(path);
  },
  "cannot be read": (path) => chmod(path, 0),
};
const ANY = Object.keys(DAMAGES);
const CUT = ["is empty", "is half as long", "lacks its last byte"];
const FLIPPED = ANY.filter((name) => name.includes("bit"));
const BEHIND = "has other bytes behind it";

/** By file: what comes of which damage. Files of partitions are those of "orders-0". */
const TABLE: readonly (readonly [state: State, file: string, outcome: Outcome, damages: readonly string[]])[] = [
  ["killed", "meta.json", "refused", ANY],
  ["killed", "lock", "same", ["is gone", BEHIND]],
  ["killed", "lock", "refused", ["is a folder", "cannot be read"]],
  ["killed", "checkpoint", "same", ["is gone", ...CUT, ...FLIPPED, BEHIND]],
  ["killed", "checkpoint", "refused", ["is a folder", "cannot be read"]],
  ["killed", "raft/state", "refused", ANY],
  ["killed", "raft", "refused", ["is gone"]],
  ["stopped", "raft/state", "refused", ["is gone", "is empty", "is half as long", "has a wrong bit in the middle"]],
  ["stopped", "raft", "refused", ["is gone"]],
  ["killed", "first .log", "told", ["is gone", "is half as long", "has a wrong bit in the middle", "is a folder", "cannot be read"]],
  ["killed", "first .log", "same", [BEHIND]],
  ["killed", "last .log", "told", ["is gone", ...CUT, ...FLIPPED, "is a folder", "cannot be read"]],
  ["killed", "last .log", "same", [BEHIND]],
  ["stopped", "last .log", "told", ["is gone", ...CUT, ...FLIPPED]],
  ["stopped", "last .log", "same", [BEHIND]],
  ["killed", "first .index", "same", ["is gone", "is half as long", ...FLIPPED, BEHIND, "is a folder"]],
  ["killed", "first .timeindex", "same", ["is gone", "is half as long", "has a wrong bit in the middle", "is a folder"]],
  ["killed", "partition", "told", ["is gone"]],
  ["stopped", "partition", "told", ["is gone"]],
  ["killed", "topics", "told", ["is gone"]],
  ["killed", "offsets .log", "told", ["is gone", "is half as long", "has a wrong bit at its start", "has a wrong bit in the middle"]],
  ["stopped", "offsets .log", "told", ["has a wrong bit at its start", "has a wrong bit in the middle"]],
  ["killed", "wal", "refused", ["is gone"]],
  ["stopped", "wal", "same", ["is gone"]],
  ["killed", "first .wal", "refused", [
    "is gone",
    "is empty",
    "is half as long",
    ...FLIPPED.filter((name) => !name.includes("end")),
    "is a folder",
    "cannot be read",
  ]],
  ["killed", "first .wal", "same", [BEHIND]],
  ["killed", "last .wal", "refused", ["has a wrong bit at its start", "has a wrong bit near its start", "is a folder", "cannot be read"]],
  ["killed", "last .wal", "same", [BEHIND]],
  ["stopped", "last .wal", "same", ["is gone", "is empty", "is half as long", "has a wrong bit at its start"]],
  ["killed", "first .spare", "same", ["is gone", "is empty", "is half as long", "has a wrong bit at its start", "is a folder"]],
];

let root: string;
let acknowledged: Content;
let canHide = false;

beforeAll(async () => {
  root = ownFolder("barnabas-damage-");
  await chmod(root, 0o755);
  canHide = process.getuid?.() !== 0 || (await run(["setpriv", ...asNobody(), "test", "-x", executable])).exitCode === 0;
  const directory = join(root, "killed");
  await mkdir(directory);
  let node = await mustStart(directory, { flags: FLAGS });
  let client = await KafkaClient.connect({ host: "", port: node.port });
  await createTopics(client);
  for (let i = 0; i < 75; i++) await produce(client, i, { sequence: i });
  await commit(client, 5);
  client[Symbol.dispose]();
  expect(await node.stop()).toBe(0);
  // From here on only the write-ahead log has it.
  node = await mustStart(directory, { flags: FLAGS });
  client = await KafkaClient.connect({ host: "", port: node.port });
  for (let i = 75; i < 100; i++) await produce(client, i, { sequence: i });
  await commit(client, 7);
  acknowledged = await read(client);
  client[Symbol.dispose]();
  await node.kill();
  await cp(directory, join(root, "stopped"), { recursive: true });
  node = await mustStart(join(root, "stopped"), { flags: FLAGS });
  expect(await node.stop()).toBe(0);
}, MS);
afterAll(() => removeFolder(root));

const asNobody = () => [`--reuid=${UID}`, `--regid=${UID}`, "--clear-groups"];

async function flip(path: string, at: number): Promise<void> {
  const file = await open(path, "r+");
  const byte = new Uint8Array(1);
  await file.read(byte, 0, 1, at);
  byte[0]! ^= 0x10;
  await file.write(byte, 0, 1, at);
  await file.close();
}

/** A copy of what the node left, removed afterwards. */
async function copyOf(state: State): Promise<{ readonly directory: string; [Symbol.asyncDispose](): Promise<void> }> {
  const directory = await mkdtemp(join(root, "case-"));
  await cp(join(root, state), directory, { recursive: true });
  return { directory, [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) };
}

async function pathOf(directory: string, file: string): Promise<string> {
  const data = join(directory, "data");
  const [which, suffix = ""] = file.split(" ");
  if (suffix === "" && which !== "partition") return join(data, file);
  if (suffix === ".wal" || suffix === ".spare") return among(join(data, "wal"), which!, suffix);
  const folders = await Promise.all((await readdir(join(data, "topics"))).map(async (topic) => {
    const partitions = await readdir(join(data, "topics", topic));
    return { path: join(data, "topics", topic), partitions: partitions.length, bytes: await bytesOf(join(data, "topics", topic, "0")) };
  }));
  // "orders" is the only one with two partitions in use; the internal topic is small.
  folders.sort((a, b) => b.partitions - a.partitions || b.bytes - a.bytes);
  const partition = join((which === "offsets" ? folders.toSorted((a, b) => a.bytes - b.bytes) : folders)[0]!.path, "0");
  return which === "partition" ? partition : among(partition, which === "offsets" ? "first" : which!, suffix);
}

async function bytesOf(folder: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(folder)) bytes += (await stat(join(folder, name))).size;
  return bytes;
}

async function among(folder: string, which: string, suffix: string): Promise<string> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(suffix)).sort();
  return join(folder, (which === "last" ? names.at(-1) : names[0])!);
}

/** What the node has after a start: null when it refuses, in words that `file` is part of. */
async function contentAfterStart(directory: string, file: string, options: StartOptions = {}): Promise<Content | null> {
  const node = await start(directory, { flags: FLAGS, ...options });
  if (isRefused(node)) {
    expect([65, 78], node.said).toContain(node.exitCode);
    expect(node.said).toContain(file);
    expect(node.said).not.toMatch(/\n\s+at /);
    expect(node.said, "what to do").toMatch(/back from a backup|[Rr]estore|[Cc]heck/);
    return null;
  }
  try {
    using client = await KafkaClient.connect({ host: "", port: node.port });
    return await read(client);
  } finally {
    expect(await node.stop()).toBe(0);
  }
}

function outcomeOf(now: Content | null): Outcome {
  if (now === null) return "refused";
  expect(losses(acknowledged, now)).toEqual([]);
  return refusals(now).length === 0 ? "same" : "told";
}

describe("a node that was", () => {
  for (const [state, file, outcome, damages] of TABLE) {
    for (const name of damages) {
      test(`${state} and whose ${file} ${name}: ${outcome}`, async () => {
        if (name === "cannot be read" && !canHide) return console.log("skipped: files cannot be hidden from this user");
        await using copy = await copyOf(state);
        const path = await pathOf(copy.directory, file);
        await cp(path, join(root, "spared"), { recursive: true });
        try {
          await DAMAGES[name]!(path);
          let options: StartOptions = {};
          if (name === "cannot be read" && process.getuid?.() === 0) {
            await run(["chown", "-R", `${UID}:${UID}`, copy.directory]);
            options = { through: ["setpriv", ...asNobody()] };
          }
          const named = path.slice(join(copy.directory, "data").length + 1);
          expect(outcomeOf(await contentAfterStart(copy.directory, named, options))).toBe(outcome);
          // What a start did must not make the next one forget, nor the one after the file is put back.
          if (outcome === "refused") return;
          expect(outcomeOf(await contentAfterStart(copy.directory, named, options))).toBe(outcome);
          if (outcome === "same" || name.includes("bit")) return;
          if (!(await stat(join(root, "spared"))).isDirectory()) await rm(path, { recursive: true, force: true });
          await mkdir(dirname(path), { recursive: true });
          await cp(join(root, "spared"), path, { recursive: true });
          expect(outcomeOf(await contentAfterStart(copy.directory, named)), "once it was put back").toBe("same");
        } finally {
          await rm(join(root, "spared"), { recursive: true, force: true });
        }
      }, MS);
    }
  }

  test("stopped and whose segments were exchanged between two partitions: told", async () => {
    await using copy = await copyOf("stopped");
    const one = await pathOf(copy.directory, "last .log");
    const other = await among(join(dirname(dirname(one)), "1"), "last", ".log");
    await rename(one, `${one}.moving`);
    await rename(other, one);
    await rename(`${one}.moving`, other);
    expect(outcomeOf(await contentAfterStart(copy.directory, ""))).toBe("told");
  }, MS);
});
