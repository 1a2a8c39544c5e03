import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { nodeId, type Uuid, uuidFromBytes } from "../../../lib/protocol/mod.ts";
import {
  decodeRecords,
  decodeSnapshot,
  encodeRecords,
  encodeSnapshot,
  type MetadataCommand,
  MetadataMachine,
  type MetadataRules,
  MetadataState,
  stateHash,
  type TopicToCreate,
  UnreadableMetadata,
} from "../../../lib/state/mod.ts";

const rules: MetadataRules = {
  defaultPartitions: 2,
  defaultReplicationFactor: 1,
  partitionsPerTopicMax: 50,
  partitionsPerClusterMax: 200,
  checkConfig: (_, key) => key.startsWith("x.") ? `Unknown setting "${key}"` : null,
  checkConfigs: () => null,
  listDefault: (_, key) => key.startsWith("list.") ? "a" : null,
};
const machine = new MetadataMachine(rules);

const id = (at: number): Uuid => uuidFromBytes(Uint8Array.from({ length: 16 }, (_, byte) => (at >> (8 * (byte % 4))) & 0xff ^ byte));
const topic = (name: string, at: number, change: Partial<TopicToCreate> = {}): TopicToCreate => ({
  name,
  topicId: id(at),
  partitions: -1,
  replicationFactor: -1,
  assignments: [],
  configs: [],
  ...change,
});

/** Decides, sends the records through their bytes, replays. */
function run<Kind extends MetadataCommand["kind"]>(state: MetadataState, command: Extract<MetadataCommand, { readonly kind: Kind }>) {
  const { records, reply } = machine.decide<Kind>(state, command);
  for (const record of decodeRecords(encodeRecords(records))) machine.replay(state, record);
  return { records, reply };
}

function withBrokers(count: number, racks = 1): MetadataState {
  const state = new MetadataState();
  for (let at = 1; at <= count; at++) {
    run(state, { kind: "registerBroker", broker: { id: nodeId(at), rack: `r${at % racks}`, endpoints: [] } });
  }
  return state;
}

describe("createTopics", () => {
  test("spreads leaders and followers evenly and each partition over racks", () => {
    const state = withBrokers(6, 3);
    run(state, { kind: "createTopics", topics: [topic("a", 1, { partitions: 30, replicationFactor: 3 })] });
    const { partitions } = state.topics.get("a")!;
    const share = (ids: readonly number[]) => [1, 2, 3, 4, 5, 6].map((broker) => ids.filter((each) => each === broker).length);
    expect(share(partitions.map(({ leader }) => leader))).toEqual([5, 5, 5, 5, 5, 5]);
    expect(Math.max(...share(partitions.flatMap(({ replicas }) => replicas)))).toBeLessThanOrEqual(17);
    expect(partitions.every(({ replicas }) => new Set(replicas).size === 3)).toBe(true);
    const pairs = new Set(partitions.map(({ replicas }) => replicas.slice(0, 2).join(" ")));
    expect(pairs.size).toBeGreaterThan(6);
  });

  test("refuses more partitions than a topic, a request or the cluster may have", () => {
    const state = withBrokers(1);
    const code = (topics: readonly TopicToCreate[]) =>
      run(state, { kind: "createTopics", topics }).reply.map((row) => row.ok ? "ok" : row.error);
    expect(code([topic("a", 1, { partitions: 51 })])).toEqual(["INVALID_PARTITIONS"]);
    expect(code([1, 2, 3, 4, 5].map((at) => topic(`b${at}`, at, { partitions: 50 })))).toEqual([
      "ok",
      "ok",
      "ok",
      "ok",
      "POLICY_VIOLATION",
    ]);
    expect(state.partitionCount).toBe(200);
    const wide = new MetadataMachine({ ...rules, partitionsPerTopicMax: 20_000, partitionsPerClusterMax: 100_000 });
    const rows = wide.decide<"createTopics">(state, { kind: "createTopics", topics: [topic("c", 9, { partitions: 10_001 })] }).reply;
    expect(rows.map((row) => row.ok ? "ok" : row.error)).toEqual(["POLICY_VIOLATION"]);
  });

  test("takes and refuses names as Kafka does", () => {
    const state = withBrokers(1);
    const names: readonly (readonly [string, string])[] = [
      ["a", "ok"],
      ["A-z_0.9", "ok"],
      ["x".repeat(249), "ok"],
      ["x".repeat(250), "INVALID_TOPIC_EXCEPTION"],
      ["", "INVALID_TOPIC_EXCEPTION"],
      [".", "INVALID_TOPIC_EXCEPTION"],
      ["..", "INVALID_TOPIC_EXCEPTION"],
      ["a/b", "INVALID_TOPIC_EXCEPTION"],
      ["a\u0000b", "INVALID_TOPIC_EXCEPTION"],
      ["a\nb", "INVALID_TOPIC_EXCEPTION"],
      ["a\n", "INVALID_TOPIC_EXCEPTION"],
      ["ä", "INVALID_TOPIC_EXCEPTION"],
      ["A-z.0.9", "INVALID_TOPIC_EXCEPTION"],
      ["__cluster_metadata", "INVALID_REQUEST"],
    ];
    const { reply } = run(state, { kind: "createTopics", topics: names.map(([name], at) => topic(name, at)) });
    expect(names.map(([name], at) => [name, reply[at]!.ok ? "ok" : (reply[at] as { readonly error: string }).error])).toEqual(
      names.map(([name, expected]) => [name, expected]),
    );
  });

  test("marks the brokers' own topics as internal", () => {
    const state = withBrokers(1);
    run(state, { kind: "createTopics", topics: [topic("__consumer_offsets", 1), topic("__mine", 2)] });
    expect([...state.topics.values()].map(({ internal }) => internal)).toEqual([true, false]);
  });
});

describe("metadata state", () => {
  test("lets a name be used again after a delete, under another id", () => {
    const state = withBrokers(1);
    run(state, { kind: "createTopics", topics: [topic("a.b", 1)] });
    run(state, { kind: "deleteTopics", topics: [{ topicId: id(1) }] });
    run(state, { kind: "createTopics", topics: [topic("a_b", 2)] });
    expect(state.topicById(id(1))).toBeNull();
    expect(state.topicById(id(2))?.name).toBe("a_b");
  });

  test("gives every registration and every block of producer ids once", () => {
    const state = withBrokers(1);
    const epochs = [1, 2].map(() => run(state, { kind: "registerBroker", broker: { id: nodeId(1), rack: null, endpoints: [] } }).reply);
    const blocks = [1, 2].map(() => run(state, { kind: "reserveProducerIds", count: 1_000 }).reply);
    expect([epochs, blocks.map(Number)]).toEqual([[2, 3], [0, 1_000]]);
  });

  test("keeps the first cluster id", () => {
    const state = new MetadataState();
    const create = (at: number) => run(state, { kind: "createCluster", clusterId: id(at), features: new Map([["metadata.version", 1]]) });
    create(1);
    expect([create(2).records, state.clusterId, state.features.get("metadata.version")]).toEqual([[], id(1), 1]);
  });

  test("is the same by hash after a snapshot, whatever happened, and a clone goes its own way", () => {
    const name = fc.constantFrom("a", "b", "c.d", "c_d", "e");
    const config = fc.record({
      name: fc.constantFrom("retention.ms", "list.of", "x.unknown"),
      operation: fc.constantFrom("set" as const, "delete" as const, "append" as const, "subtract" as const),
      value: fc.constantFrom("1", "2", "a,b"),
    });
    const command: fc.Arbitrary<MetadataCommand> = fc.oneof(
      fc.tuple(name, fc.nat(10_000), fc.integer({ min: -1, max: 5 })).map(([each, at, partitions]) => ({
        kind: "createTopics" as const,
        topics: [topic(each, at, { partitions })],
      })),
      name.map((each) => ({ kind: "deleteTopics" as const, topics: [{ name: each }] })),
      fc.tuple(name, fc.nat(8)).map(([each, totalCount]) => ({
        kind: "createPartitions" as const,
        requests: [{ topic: each, totalCount, assignments: null }],
      })),
      fc.tuple(
        fc.constantFrom("topic" as const, "broker" as const, "group" as const),
        name,
        fc.array(config, { maxLength: 3 }),
        fc.boolean(),
      )
        .map(([type, each, operations, replaceAll]) => ({
          kind: "changeConfigs" as const,
          changes: [{ type, name: type === "broker" ? "1" : each, operations, replaceAll }],
        })),
      fc.constant({ kind: "reserveProducerIds" as const, count: 7 }),
      fc.nat(3).map((level) => ({ kind: "setFeature" as const, feature: "f", level })),
    );
    fc.assert(
      fc.property(fc.array(command, { maxLength: 30 }), (commands) => {
        const state = withBrokers(2);
        for (const each of commands) run(state, each);
        const again = decodeSnapshot(encodeSnapshot(state), 5);
        expect(stateHash(again)).toBe(stateHash(state));
        expect([again.index, again.partitionCount]).toEqual([5, state.partitionCount]);
        const clone = state.clone();
        const hash = stateHash(state);
        run(clone, { kind: "registerBroker", broker: { id: nodeId(9), rack: null, endpoints: [] } });
        expect([stateHash(state), stateHash(clone) === hash]).toEqual([hash, false]);
      }),
      { numRuns: 200 },
    );
  });
});

describe("decodeRecords()", () => {
  const records = machine.decide<"reserveProducerIds">(new MetadataState(), { kind: "reserveProducerIds", count: 5 }).records;

  test("refuses a required record of an unknown type or version by name, and skips one that may be skipped", () => {
    const bytes = encodeRecords(records);
    // count (1 record), type int16, version int16, required
    const changed = (at: number, value: number) => {
      const copy = bytes.slice();
      copy[at] = value;
      return copy;
    };
    expect(() => decodeRecords(changed(2, 99))).toThrow("record type 99 version 0 is unknown");
    expect(() => decodeRecords(changed(4, 3))).toThrow("version 3");
    // Nobody ever wrote that: no other version helps.
    expect(() => decodeRecords(changed(3, 0xff))).toThrow("says version -256, it is damaged");
    const optional = changed(2, 99);
    optional[5] = 0;
    expect(decodeRecords(optional)).toEqual([]);
  });

  test("refuses every entry that was cut short", () => {
    const bytes = encodeRecords(records);
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeRecords(bytes.subarray(0, length))).toThrow(UnreadableMetadata);
    }
  });
});
