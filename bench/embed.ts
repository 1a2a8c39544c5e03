/**
 * `bun bench/embed.ts [ROUNDS]`: how long a test waits for its broker. Start, first reply to a client and stop, in memory and on a disk, beside a
 * bare listener of the runtime that is opened, asked once and closed in the same run.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ApiVersions, encodeRequest, Writer } from "../lib/protocol/mod.ts";
import { Broker } from "../mod.ts";
import { median } from "./support/table.ts";

interface Took {
  readonly start: number;
  readonly reply: number;
  readonly stop: number;
}

const request = Buffer.concat(
  encodeRequest(
    ApiVersions,
    { apiVersion: 3, correlationId: 1, clientId: "bench" },
    { clientSoftwareName: "bench", clientSoftwareVersion: "1" },
    new Writer(),
  ),
);

/** Milliseconds from the connect to the first byte of a reply. */
async function firstReply(port: number, bytes: Uint8Array): Promise<number> {
  const from = performance.now();
  const socket = await new Promise<Socket>((resolve, reject) => {
    const opened = connect(port, "127.0.0.1", () => resolve(opened)).on("error", reject);
  });
  await new Promise<void>((resolve) => {
    socket.once("data", () => resolve());
    socket.write(bytes);
  });
  const took = performance.now() - from;
  socket.destroy();
  return took;
}

async function broker(storage: string): Promise<Took> {
  const from = performance.now();
  const broker = await Broker.start({ storage, topics: ["orders"] });
  const start = performance.now() - from;
  const reply = await firstReply(broker.address.port, request);
  const stopping = performance.now();
  await broker.close();
  return { start, reply, stop: performance.now() - stopping };
}

async function bare(): Promise<Took> {
  const from = performance.now();
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: (socket, bytes) => void socket.write(bytes) } });
  const start = performance.now() - from;
  const reply = await firstReply(listener.port, request);
  const stopping = performance.now();
  listener.stop(true);
  return { start, reply, stop: performance.now() - stopping };
}

const rounds = Number(process.argv[2] ?? 100);
const directory = await mkdtemp(join(tmpdir(), "barnabas-bench-"));
const kinds: readonly (readonly [name: string, run: (round: number) => Promise<Took>])[] = [
  ["bare listener", bare],
  ["memory", () => broker("memory")],
  ["a new folder", (round) => broker(join(directory, `new-${round}`))],
  ["the same folder", () => broker(join(directory, "same"))],
];
try {
  const took = new Map<string, Took[]>(kinds.map(([name]) => [name, []]));
  // In turn, so that what the machine does meanwhile falls on all of them.
  for (let round = 0; round < rounds; round++) for (const [name, run] of kinds) took.get(name)!.push(await run(round));
  console.log(`\nMilliseconds over ${rounds} rounds in turn: first of the process, median, 95th of a hundred`);
  const base = median(took.get("bare listener")!.map(({ start }) => start));
  for (const [name, all] of took) {
    const figures = (["start", "reply", "stop"] as const).map((what) => {
      const values = all.map((one) => one[what]);
      const high = [...values].sort((a, b) => a - b)[Math.floor(values.length * 0.95)]!;
      return `${what} ${values[0]!.toFixed(1)} / ${median(values).toFixed(2)} / ${high.toFixed(1)}`;
    });
    const ratio = median(all.map(({ start }) => start)) / base;
    console.log(`  ${name.padEnd(18)} ${figures.map((text) => text.padEnd(26)).join(" ")} start ${ratio.toFixed(0)}x the bare listener's`);
  }
} finally {
  await rm(directory, { recursive: true, force: true });
}
