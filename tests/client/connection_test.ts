/** What a connection makes of replies that are late, cut, foreign, garbage, old or throttled. */
import { expect, test } from "bun:test";
import { KafkaError, openCluster } from "../../lib/client/mod.ts";
import type { ClientOptions, Cluster } from "../../lib/client/mod.ts";
import { createDeadlines, type Io } from "../../lib/io/mod.ts";
import { ApiVersions, DescribeCluster, Fetch, FindCoordinator, ListGroups, Metadata } from "../../lib/protocol/mod.ts";
import { ManualTime } from "../io/manual_time.ts";
import { type Script, ScriptedBroker, served } from "./scripted_broker.ts";
import { io, soon } from "./setup.ts";

const fast: Partial<ClientOptions> = { retryBackoffMs: 1, retryBackoffMaxMs: 2 };
const open = (broker: ScriptedBroker, options: Partial<ClientOptions> = {}): Cluster =>
  openCluster(io, { bootstrapServers: broker.address, ...fast, ...options });
const listGroups = (cluster: Cluster, deadline = soon()) => cluster.call(1, ListGroups, {}, { deadline });
const failureOf = (work: Promise<unknown>): Promise<KafkaError> =>
  work.then(() => Promise.reject(new Error("It succeeded")), (error: KafkaError) => error);
const groups = { errorCode: 0, groups: [] };

test("a connection says who it is, and speaks the newest version that both have", async () => {
  using broker = await ScriptedBroker.start((asked, broker) => asked.api === ListGroups ? broker.reply(asked, groups) : undefined);
  await using cluster = open(broker, { clientId: "somebody" });
  await listGroups(cluster);
  const [first] = broker.of(ApiVersions);
  expect(first).toMatchObject({ version: 4, clientId: "somebody", request: { clientSoftwareName: "barnabas" } });
  expect(first!.request.clientSoftwareVersion).toMatch(/^\d+\.\d+\.\d+/);
  expect(broker.of(ListGroups)[0]!.version).toBe(ListGroups.maxVersion);
});

test("a connection goes down to the version of ApiVersions that an older broker names", async () => {
  const script: Script = (asked, broker) => {
    if (asked.api !== ApiVersions || asked.version <= 3) return undefined;
    return broker.reply({ ...asked, version: 0 }, { errorCode: 35, apiKeys: [{ apiKey: 18, minVersion: 0, maxVersion: 3 }] });
  };
  using broker = await ScriptedBroker.start(script);
  await using cluster = open(broker);
  expect(await cluster.clusterId(soon())).toBe("scripted");
  expect(broker.of(ApiVersions).map(({ version }) => version)).toEqual([4, 3]);
});

test("a connection tries version 0 of ApiVersions when a broker refuses without naming any", async () => {
  const script: Script = (asked, broker) =>
    asked.api === ApiVersions && asked.version > 0 ? broker.reply({ ...asked, version: 0 }, { errorCode: 35, apiKeys: [] }) : undefined;
  using broker = await ScriptedBroker.start(script);
  await using cluster = open(broker);
  expect(await cluster.clusterId(soon())).toBe("scripted");
  expect(broker.of(ApiVersions).map(({ version }) => version)).toEqual([4, 0]);
});

test("a connection to a broker that refuses every ApiVersions says so and is not tried again", async () => {
  using broker = await ScriptedBroker.start((asked, broker) =>
    asked.api === ApiVersions ? broker.reply({ ...asked, version: 0 }, { errorCode: 35, apiKeys: [] }) : undefined
  );
  await using cluster = open(broker);
  expect(await failureOf(cluster.retry(soon(), () => cluster.clusterId(soon())))).toMatchObject({ error: "UNSUPPORTED_VERSION" });
});

test("calls use the classic encodings of an old broker, and are refused when it lacks what they need", async () => {
  const limits = { Metadata: [0, 5], FindCoordinator: [0, 2], Fetch: [4, 6], ListGroups: [0, 1] } as const;
  using broker = await ScriptedBroker.start((asked, broker) => {
    if (asked.api === ApiVersions) {
      return broker.reply(asked, {
        errorCode: 0,
        apiKeys: served(limits).filter(({ apiKey }) => apiKey !== DescribeCluster.key),
      });
    }
    if (asked.api === FindCoordinator) return broker.reply(asked, { errorCode: 0, nodeId: 1, host: "127.0.0.1", port: broker.port });
    return asked.api === ListGroups ? broker.reply(asked, groups) : undefined;
  });
  await using cluster = open(broker);
  expect((await cluster.topics(["orders"], soon())).get("orders")).toMatchObject({ name: "orders", partitions: [{ leader: 1 }] });
  expect(await Promise.all(["a", "b"].map((group) => cluster.coordinator("group", group, soon())))).toEqual([1, 1]);
  await listGroups(cluster);
  expect(broker.of(Metadata).map(({ version }) => version)).toEqual([5]);
  expect(broker.of(FindCoordinator).map(({ version, request }) => [version, request.key])).toEqual([[2, "a"], [2, "b"]]);
  expect(broker.of(ListGroups)[0]!.version).toBe(1);
  expect(await cluster.versionOf("any", Fetch, soon())).toBe(6);
  expect(await cluster.versionOf("any", DescribeCluster, soon())).toBeNull();
  const asked = cluster.call("any", ListGroups, { statesFilter: ["Empty"] }, { deadline: soon(), minVersion: 4 });
  expect(await failureOf(asked)).toMatchObject({ error: "UNSUPPORTED_VERSION", isOutcomeUnknown: false });
});

/** Calls ListGroups; its first reply is what `answer` makes of it, later ones are good. */
async function afterOne(
  answer: (bytes: Uint8Array) => readonly Uint8Array[] | "close",
): Promise<{ readonly error: KafkaError; readonly connections: number }> {
  using broker = await ScriptedBroker.start((asked, broker) => {
    if (asked.api !== ListGroups) return undefined;
    const reply = broker.reply(asked, groups);
    return broker.of(ListGroups).length > 1 ? reply : answer(Buffer.concat(reply));
  });
  await using cluster = open(broker);
  await cluster.nodes(soon());
  const error = await failureOf(listGroups(cluster));
  await cluster.retry(soon(), () => listGroups(cluster));
  return { error, connections: broker.connections };
}

const unknown = { error: "NETWORK_EXCEPTION", retriable: true, isOutcomeUnknown: true };

test("a connection that ends before the reply leaves the outcome unknown, and the next call has a new one", async () => {
  const { error, connections } = await afterOne(() => "close");
  expect(error).toMatchObject(unknown);
  // One for the bootstrap server, two for the node.
  expect(connections).toBe(3);
});

test("a reply with another correlation id ends the connection", async () => {
  const { error } = await afterOne((bytes) => {
    new DataView(bytes.buffer, bytes.byteOffset).setInt32(4, 4711);
    return [bytes];
  });
  expect(error).toMatchObject(unknown);
  expect(error.message).toContain("no request has the correlation id 4711");
});

test("a reply that cannot be decoded ends the connection", async () => {
  const { error } = await afterOne((bytes) => [bytes.fill(0xff, 12)]);
  expect(error).toMatchObject(unknown);
  expect(error.message).toContain("Cannot decode");
});

test("bytes that are no frame end the connection before anything is reserved for them", async () => {
  for (const [bytes, word] of [["HTTP/1.1 400 Bad Request\r\n", "1213486160 bytes"], ["\x15\x03\x03\0\x02\x02\x28", "TLS"]] as const) {
    const { error } = await afterOne(() => [Buffer.from(bytes, "latin1")]);
    expect(error).toMatchObject(unknown);
    expect(error.message).toContain(word);
  }
});

test("a reply that comes byte by byte is read", async () => {
  using broker = await ScriptedBroker.start((asked, broker) => {
    if (asked.api !== ListGroups) return undefined;
    const rows = Array.from(
      { length: 50 },
      (_, i) => ({ groupId: `group ${i}`, protocolType: "", groupState: "Empty", groupType: "classic" }),
    );
    return [...Buffer.concat(broker.reply(asked, { errorCode: 0, groups: rows }))].map((byte) => new Uint8Array([byte]));
  });
  await using cluster = open(broker);
  await cluster.nodes(soon());
  expect((await listGroups(cluster)).groups).toHaveLength(50);
});

test("a value that the wire cannot carry fails its own call only", async () => {
  using broker = await ScriptedBroker.start((asked, broker) => asked.api === ListGroups ? broker.reply(asked, groups) : undefined);
  await using cluster = open(broker);
  await cluster.nodes(soon());
  const bad = cluster.call(1, ListGroups, { statesFilter: [7 as never] }, { deadline: soon() });
  const good = listGroups(cluster);
  expect(await failureOf(bad)).toMatchObject({ error: "INVALID_REQUEST", isOutcomeUnknown: false });
  await good;
  expect(broker.connections).toBe(2);
});

/** The real net, and time that moves when the test says so. */
function manualIo(): { readonly time: ManualTime; readonly io: Io } {
  const time = new ManualTime();
  return { time, io: { ...io, clock: time.clock, timers: time.timers, deadlines: createDeadlines(time.clock, time.timers) } };
}

test("a throttled connection holds its requests back for as long as the broker said", async () => {
  using broker = await ScriptedBroker.start((asked, broker) =>
    asked.api === ListGroups
      ? broker.reply(asked, { ...groups, throttleTimeMs: broker.of(ListGroups).length === 1 ? 20_000 : 0 })
      : undefined
  );
  const { time, io: manual } = manualIo();
  await using cluster = openCluster(manual, { bootstrapServers: broker.address });
  const deadline = manual.deadlines.in("test", 60_000);
  await cluster.nodes(deadline);
  await listGroups(cluster, deadline);
  const second = listGroups(cluster, deadline);
  // Another lane is another connection, which was not throttled.
  await cluster.call(1, ListGroups, {}, { deadline, lane: "group" });
  expect(broker.of(ListGroups)).toHaveLength(2);
  time.advance(19_990);
  await cluster.call(1, ListGroups, {}, { deadline, lane: "group" });
  expect(broker.of(ListGroups)).toHaveLength(3);
  time.advance(10);
  await second;
  expect(broker.of(ListGroups)).toHaveLength(4);
});

test("a reply that does not come is unknown at the deadline; the connection goes when the longest wait is over", async () => {
  let isSilent = true;
  using broker = await ScriptedBroker.start((asked, broker) =>
    asked.api !== ListGroups ? undefined : isSilent ? null : broker.reply(asked, groups)
  );
  const { time, io: manual } = manualIo();
  await using cluster = openCluster(manual, { bootstrapServers: broker.address, requestTimeoutMs: 30_000 });
  await cluster.nodes(manual.deadlines.in("test", 60_000));
  const hasty = failureOf(listGroups(cluster, manual.deadlines.in("hasty", 1_000)));
  const patient = failureOf(listGroups(cluster, manual.deadlines.in("patient", 90_000)));
  await broker.until(() => broker.of(ListGroups).length === 2);
  time.advance(1_100);
  expect(await hasty).toMatchObject({ error: "REQUEST_TIMED_OUT", isOutcomeUnknown: true });
  const open = broker.openConnections;
  time.advance(29_100);
  expect((await patient).isOutcomeUnknown).toBe(true);
  await broker.until(() => broker.openConnections === open - 1);
  isSilent = false;
  const again = listGroups(cluster, manual.deadlines.in("again", 60_000));
  time.advance(1_000);
  await again;
});

test("an unused connection is closed, one that waits for a reply is not", async () => {
  using broker = await ScriptedBroker.start((asked, broker) =>
    asked.api === ListGroups && asked.request.statesFilter.length === 0
      ? broker.reply(asked, groups)
      : asked.api === ListGroups
      ? null
      : undefined
  );
  const { time, io: manual } = manualIo();
  await using cluster = openCluster(manual, { bootstrapServers: broker.address, connectionsMaxIdleMs: 10_000, requestTimeoutMs: 90_000 });
  const deadline = manual.deadlines.in("test", 80_000);
  await cluster.nodes(deadline);
  await listGroups(cluster, deadline);
  const waiting = cluster.call(1, ListGroups, { statesFilter: ["Empty"] }, { deadline, lane: "group" }).catch((error: unknown) => error);
  await broker.until(() => broker.of(ListGroups).length === 2);
  expect(broker.openConnections).toBe(3);
  time.advance(10_001);
  await broker.until(() => broker.openConnections === 1);
  await listGroups(cluster, deadline);
  await cluster.close();
  expect(await waiting).toMatchObject({ error: "NETWORK_EXCEPTION", retriable: false });
});

test("a node that does not take connections is dialled again after a pause that grows, however many want it", async () => {
  let dials = 0;
  const { time, io: manual } = manualIo();
  const refusing: Io = {
    ...manual,
    net: {
      ...manual.net,
      dial: () => {
        dials++;
        return Promise.reject(new Error("refused"));
      },
    },
  };
  await using cluster = openCluster(refusing, { bootstrapServers: "localhost:1", retryBackoffMs: 1_000, retryBackoffMaxMs: 8_000 });
  const ask = () =>
    cluster.call("any", ListGroups, {}, { deadline: manual.deadlines.in("test", 1_000_000) }).catch((error: unknown) => error);
  const counts: number[] = [];
  for (let i = 0; i < 4; i++) {
    const asked = [ask(), ask(), ask()];
    await time.settle();
    // Longer than the longest pause by then: 1.2, 2.4, 4.8 seconds.
    time.advance(i === 0 ? 0 : 1_200 * 2 ** (i - 1));
    await Promise.all(asked);
    counts.push(dials);
  }
  expect(counts).toEqual([1, 2, 3, 4]);
});
