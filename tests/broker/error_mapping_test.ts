import { describe, expect, test } from "bun:test";
import { apiFamilyOf, isUnforeseen, kafkaErrorOf } from "../../lib/broker/error_mapping.ts";
import { HANDLERS } from "../../lib/broker/mod.ts";
import { NotController } from "../../lib/controller/mod.ts";
import { Closed, DeadlineExceeded, InvariantBroken, IoFailed, Overloaded } from "../../lib/io/mod.ts";
import { kafkaError } from "../../lib/protocol/mod.ts";
import { CorruptLog, DiskFull, OffsetOutOfRange, StorageFenced } from "../../lib/storage/errors.ts";

const FORESEEN = [
  new DeadlineExceeded("produce", "orders-0", 100),
  new Overloaded("commit queue", 10),
  new Closed("orders-0"),
  new IoFailed("write", "wal-1", "EIO"),
  new DiskFull("full"),
  new StorageFenced("fenced"),
  new CorruptLog("corrupt"),
  new OffsetOutOfRange(5, 10, 20),
  new NotController(null, false),
  new NotController(null, true),
];

describe("kafkaErrorOf()", () => {
  test.each([
    [FORESEEN[0]!.name, FORESEEN[0], ["REQUEST_TIMED_OUT", "KAFKA_STORAGE_ERROR", "COORDINATOR_NOT_AVAILABLE", "REQUEST_TIMED_OUT"]],
    [FORESEEN[1]!.name, FORESEEN[1], ["NOT_ENOUGH_REPLICAS", "KAFKA_STORAGE_ERROR", "COORDINATOR_NOT_AVAILABLE", "REQUEST_TIMED_OUT"]],
    [FORESEEN[2]!.name, FORESEEN[2], ["NOT_LEADER_OR_FOLLOWER", "NOT_LEADER_OR_FOLLOWER", "NOT_COORDINATOR", "NOT_LEADER_OR_FOLLOWER"]],
    [FORESEEN[3]!.name, FORESEEN[3], ["REQUEST_TIMED_OUT", "KAFKA_STORAGE_ERROR", "COORDINATOR_NOT_AVAILABLE", "KAFKA_STORAGE_ERROR"]],
    [FORESEEN[4]!.name, FORESEEN[4], ["KAFKA_STORAGE_ERROR", "KAFKA_STORAGE_ERROR", "COORDINATOR_NOT_AVAILABLE", "KAFKA_STORAGE_ERROR"]],
    [FORESEEN[5]!.name, FORESEEN[5], ["REQUEST_TIMED_OUT", "KAFKA_STORAGE_ERROR", "COORDINATOR_NOT_AVAILABLE", "REQUEST_TIMED_OUT"]],
    [FORESEEN[6]!.name, FORESEEN[6], ["KAFKA_STORAGE_ERROR", "CORRUPT_MESSAGE", "NOT_COORDINATOR", "CORRUPT_MESSAGE"]],
    [FORESEEN[7]!.name, FORESEEN[7], ["OFFSET_OUT_OF_RANGE", "OFFSET_OUT_OF_RANGE", "OFFSET_OUT_OF_RANGE", "OFFSET_OUT_OF_RANGE"]],
    ["NotController, not done", FORESEEN[8], ["NOT_CONTROLLER", "NOT_CONTROLLER", "NOT_CONTROLLER", "NOT_CONTROLLER"]],
    // The proposal is in the log: another leader may commit it.
    [
      "NotController, unknown",
      FORESEEN[9],
      ["REQUEST_TIMED_OUT", "KAFKA_STORAGE_ERROR", "COORDINATOR_NOT_AVAILABLE", "REQUEST_TIMED_OUT"],
    ],
    ["TypeError", new TypeError("a bug"), ["REQUEST_TIMED_OUT", "UNKNOWN_SERVER_ERROR", "UNKNOWN_SERVER_ERROR", "UNKNOWN_SERVER_ERROR"]],
  ])("gives %s its code for produce, fetch, coordinators and the others", (_name, error, codes) => {
    expect((["produce", "fetch", "coordinator", "other"] as const).map((family) => kafkaErrorOf(error, family))).toEqual(codes as never);
  });

  test("tells a producer only what it may try again, and never -1", () => {
    for (const error of [...FORESEEN.filter((error) => !(error instanceof OffsetOutOfRange)), new Error("anything")]) {
      expect(kafkaError(kafkaErrorOf(error, "produce")).retriable).toBe(true);
    }
  });

  test("does not translate a broken invariant", () => {
    expect(() => kafkaErrorOf(new InvariantBroken("x"))).toThrow(InvariantBroken);
  });

  test("only what nobody foresaw deserves a line in the log", () => {
    expect(FORESEEN.filter(isUnforeseen)).toEqual([]);
    expect(isUnforeseen(new RangeError("x"))).toBe(true);
  });

  test("knows the family of every API that is served", () => {
    const named = HANDLERS.map(({ api }) => [api.name, apiFamilyOf(api.key)] as const);
    expect(named.filter(([, family]) => family === "coordinator").map(([name]) => name).sort()).toEqual([
      "DeleteGroups",
      "DescribeGroups",
      "FindCoordinator",
      "Heartbeat",
      "JoinGroup",
      "LeaveGroup",
      "ListGroups",
      "OffsetCommit",
      "OffsetDelete",
      "OffsetFetch",
      "SyncGroup",
    ]);
    expect(named).toContainEqual(["Produce", "produce"]);
    expect(named).toContainEqual(["Fetch", "fetch"]);
  });
});
