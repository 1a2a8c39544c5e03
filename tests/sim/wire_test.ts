import { expect, test } from "bun:test";
import { cutFrames, encodeResponse, Heartbeat, Reader, readRequestPrefix, Writer } from "../../lib/protocol/mod.ts";
import { Machine, Network, PageCacheDisk, World } from "../../lib/sim/mod.ts";
import { Client } from "../../lib/sim/workloads/client.ts";
import { WireConnection } from "../../lib/sim/workloads/wire.ts";
import type { WorkloadContext } from "../../lib/sim/workloads/types.ts";

const VERSION = 1;
const NODE = { host: "node1", port: 9092 };

/** A broker that answers all heartbeats of a chunk in an order of its own: each place is that of a request, or one of nobody. */
async function ask(
  requests: number,
  order: readonly number[],
  thenCloses = false,
): Promise<{ violation: string | null; codes: unknown[] }> {
  const world = new World(1);
  const network = new Network(world, { cutShare: 0, shortWriteShare: 0, windowBytesMin: 100_000 });
  const machine = (name: string) => new Machine(world, name, new PageCacheDisk(world, name), network);
  const server = machine("node1").start();
  let arrived: number[] = [];
  const listening = server.net.listen(NODE, (socket) => ({
    onData(chunk) {
      const { frames } = cutFrames(chunk.slice(), 1_000);
      arrived.push(...frames.map((frame) => readRequestPrefix(new Reader(frame)).correlationId));
      if (arrived.length < requests) return;
      const chunks = order.flatMap((at) => encodeResponse(Heartbeat, VERSION, arrived[at] ?? 99, { errorCode: at }, new Writer()));
      for (const bytes of chunks) socket.write(bytes);
      arrived = [];
      if (thenCloses) server.timers.after(10, () => socket.end());
    },
    onDrain() {},
    onClose() {},
  }), server.deadlines.in("listen", 1_000));
  const context: Partial<WorkloadContext> = { world, atEnd() {} };
  const client = new Client(context as WorkloadContext, "c", machine("client1"));
  const codes: unknown[] = [];
  const asking = listening.then(async () => {
    const connection = (await WireConnection.open(client, NODE, "c", 1_000))!;
    const request = { groupId: "g", generationId: 1, memberId: "m" };
    const replies = Array.from({ length: requests }, () => connection.ask(Heartbeat, VERSION, request));
    for (const reply of replies) codes.push((await reply)?.errorCode ?? null);
  });
  world.run(60_000);
  // The world stands still after a violation.
  if (world.violation === null) await asking;
  return { violation: world.violation?.message ?? null, codes };
}

test("replies belong to their requests, and what a broken connection leaves without one is told so", async () => {
  expect(await ask(4, [0, 1, 2, 3])).toEqual({ violation: null, codes: [0, 1, 2, 3] });
  expect(await ask(4, [0, 1], true)).toEqual({ violation: null, codes: [0, 1, null, null] });
});

test("a reply out of turn, a second one and one that nobody asked for are violations", async () => {
  expect((await ask(3, [0, 2, 1])).violation).toMatch(
    /^c: reply order: Heartbeat v1 \(\d+\) is due, .* that of Heartbeat v1, which was asked later$/,
  );
  expect((await ask(2, [0, 0, 1])).violation).toContain("which nobody asked under");
  expect((await ask(1, [0, 0])).violation).toMatch(/^c: a reply with the correlation id \d+ came, but nothing is under way$/);
  expect((await ask(1, [7])).violation).toContain("a reply came for 99, which nobody asked under");
});
