import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  FETCH_SESSION_LIMITS,
  type FetchOutcome,
  type FetchRound,
  FetchSessions,
  type FetchTarget,
  nextEpoch,
  type SessionRequest,
} from "../../lib/broker/fetch_session.ts";
import { type Uuid, ZERO_UUID } from "../../lib/protocol/mod.ts";
import { ManualTime } from "../replication/manual_time.ts";

const TOPIC_ID = "BBBBBBBBBBBBBBBBBBBBBA" as Uuid;

function target(partition: number, fetchOffset = 0): FetchTarget {
  return { topic: "t", topicId: ZERO_UUID, partition, fetchOffset, maxBytes: 100, currentLeaderEpoch: -1, lastFetchedEpoch: -1 };
}

function request(sessionId: number, sessionEpoch: number, targets: FetchTarget[], more: Partial<SessionRequest> = {}): SessionRequest {
  return { sessionId, sessionEpoch, usesTopicIds: false, privileged: false, targets, forgotten: [], ...more };
}

function outcome(target: FetchTarget, more: Partial<FetchOutcome> = {}): FetchOutcome {
  return { target, error: null, highWatermark: 0, logStartOffset: 0, byteLength: 0, diverging: false, ...more };
}

function sessions(limits = FETCH_SESSION_LIMITS) {
  const time = new ManualTime();
  let seed = 7;
  const random = { float: () => (seed = (seed * 16807) % 2147483647) / 2147483647, bytes: (length: number) => new Uint8Array(length) };
  return { time, cache: new FetchSessions(time, random, limits) };
}

function opened(cache: FetchSessions, asked: SessionRequest): FetchRound {
  const round = cache.open(asked);
  if (typeof round === "string") throw new Error(round);
  return round;
}

/** A new session over partitions 0..count-1. */
function create(cache: FetchSessions, count: number, more: Partial<SessionRequest> = {}): number {
  const targets = Array.from({ length: count }, (_, partition) => target(partition));
  const round = opened(cache, request(0, 0, targets, more));
  return round.settle(round.targets.map((at) => outcome(at))).sessionId;
}

const partitionsOf = (rows: readonly FetchOutcome[]) => rows.map((row) => row.target.partition);

test("FetchSessions: a full fetch tells every partition and makes a session; the next tells only what is new", () => {
  const { cache } = sessions();
  const id = create(cache, 3);
  expect(id).toBeGreaterThan(0);
  const round = opened(cache, request(id, 1, []));
  expect(partitionsOf(round.targets.map((at) => outcome(at)))).toEqual([0, 1, 2]);
  const { rows, sessionId, error } = round.settle([
    outcome(round.targets[0]!),
    outcome(round.targets[1]!, { highWatermark: 5 }),
    outcome(round.targets[2]!, { logStartOffset: 1 }),
  ]);
  expect({ partitions: partitionsOf(rows), sessionId, error }).toEqual({ partitions: [1, 2], sessionId: id, error: null });
});

test("FetchSessions: an error is told each time, and so is the recovery from it", () => {
  const { cache } = sessions();
  const id = create(cache, 1);
  const settle = (epoch: number, more: Partial<FetchOutcome>) => {
    const round = opened(cache, request(id, epoch, []));
    return round.settle([outcome(round.targets[0]!, more)]).rows.length;
  };
  expect(settle(1, { error: "NOT_LEADER_OR_FOLLOWER", highWatermark: -1, logStartOffset: -1 })).toBe(1);
  expect(settle(2, { error: "NOT_LEADER_OR_FOLLOWER", highWatermark: -1, logStartOffset: -1 })).toBe(1);
  expect(settle(3, {})).toBe(1);
  expect(settle(4, {})).toBe(0);
});

test("FetchSessions: a partition that had data goes to the end of the turn", () => {
  const { cache } = sessions();
  const id = create(cache, 3);
  const first = opened(cache, request(id, 1, []));
  first.settle([outcome(first.targets[0]!, { byteLength: 10 }), outcome(first.targets[1]!), outcome(first.targets[2]!)]);
  const second = opened(cache, request(id, 2, []));
  expect(second.targets.map((at) => at.partition)).toEqual([1, 2, 0]);
});

test("FetchSessions: an increment adds, changes and forgets partitions; forgetting the last one ends the session", () => {
  const { cache } = sessions();
  const id = create(cache, 2);
  const gone = (partition: number) => ({ topic: "t", topicId: ZERO_UUID, partition });
  const round = opened(cache, request(id, 1, [target(1, 42), target(7, 5)], { forgotten: [gone(0)] }));
  expect(round.targets.map((at) => [at.partition, at.fetchOffset])).toEqual([[1, 42], [7, 5]]);
  const last = opened(cache, request(id, 2, [], { forgotten: [gone(1), gone(7)] }));
  expect(last.targets).toEqual([]);
  expect(last.settle([]).sessionId).toBe(0);
  expect(cache.size).toBe(0);
});

describe("FetchSessions refuses", () => {
  test("a session that it does not hold", () => {
    expect(sessions().cache.open(request(99, 1, []))).toBe("FETCH_SESSION_ID_NOT_FOUND");
  });
  test("an epoch that is not the next one, and goes on with the right one", () => {
    const { cache } = sessions();
    const id = create(cache, 1);
    expect(cache.open(request(id, 2, []))).toBe("INVALID_FETCH_SESSION_EPOCH");
    expect(typeof cache.open(request(id, 1, []))).toBe("object");
    expect(cache.open(request(id, 1, []))).toBe("INVALID_FETCH_SESSION_EPOCH");
  });
  test("a session of names used with topic ids", () => {
    const { cache } = sessions();
    const id = create(cache, 1);
    expect(cache.open(request(id, 1, [], { usesTopicIds: true }))).toBe("FETCH_SESSION_TOPIC_ID_ERROR");
  });
  test("the reply of a request that another one of its session overtook", () => {
    const { cache } = sessions();
    const id = create(cache, 1);
    const slow = opened(cache, request(id, 1, []));
    opened(cache, request(id, 2, []));
    expect(slow.settle([outcome(slow.targets[0]!, { byteLength: 5 })])).toEqual({
      error: "INVALID_FETCH_SESSION_EPOCH",
      sessionId: id,
      rows: [],
    });
  });
});

test("FetchSessions: epoch -1 ends a session and fetches without one", () => {
  const { cache } = sessions();
  const id = create(cache, 2);
  const round = opened(cache, request(id, -1, [target(1)]));
  expect(cache.size).toBe(0);
  expect(round.settle([outcome(target(1))]).sessionId).toBe(0);
});

test("nextEpoch() counts from 1, wraps from the largest int32 to 1, and leaves the final epoch final", () => {
  expect([0, 1, 0x7fffffff, -1].map(nextEpoch)).toEqual([1, 2, 1, -1]);
});

test("FetchSessions: partitions by topic id are not mixed up with those of another id", () => {
  const { cache } = sessions();
  const byId = (topicId: Uuid, partition: number): FetchTarget => ({ ...target(partition), topic: "", topicId });
  const other = "CCCCCCCCCCCCCCCCCCCCCA" as Uuid;
  const first = opened(cache, request(0, 0, [byId(TOPIC_ID, 1), byId(other, 1)], { usesTopicIds: true }));
  const { sessionId } = first.settle(first.targets.map((at) => outcome(at)));
  const next = opened(cache, request(sessionId, 1, [], { usesTopicIds: true, forgotten: [{ topic: "", topicId: other, partition: 1 }] }));
  expect(next.targets.map((at) => at.topicId)).toEqual([TOPIC_ID]);
});

describe("FetchSessions at its maximum", () => {
  const limits = { slots: 2, evictionMs: 1_000, partitionsMax: 10 };

  test("keeps young sessions and goes on without one for the newcomer", () => {
    const { cache } = sessions(limits);
    create(cache, 1);
    create(cache, 1);
    expect(create(cache, 5)).toBe(0);
    expect({ size: cache.size, evictions: cache.evictions }).toEqual({ size: 2, evictions: 0 });
  });

  test("gives the place of a stale session to anyone", () => {
    const { cache, time } = sessions(limits);
    const stale = create(cache, 9);
    const fresh = create(cache, 1);
    time.advance(900);
    opened(cache, request(fresh, 1, []));
    time.advance(200);
    expect(create(cache, 1)).toBeGreaterThan(0);
    expect(cache.open(request(stale, 1, []))).toBe("FETCH_SESSION_ID_NOT_FOUND");
    expect(typeof cache.open(request(fresh, 2, []))).toBe("object");
  });

  test("gives the place of the smallest grown-up session to a larger one only", () => {
    const { cache, time } = sessions(limits);
    const small = create(cache, 2);
    const large = create(cache, 4);
    time.advance(600);
    for (const id of [small, large]) opened(cache, request(id, 1, []));
    time.advance(600);
    for (const id of [small, large]) opened(cache, request(id, 2, []));
    expect(create(cache, 2)).toBe(0);
    expect(create(cache, 3)).toBeGreaterThan(0);
    expect(cache.open(request(small, 3, []))).toBe("FETCH_SESSION_ID_NOT_FOUND");
    expect(typeof cache.open(request(large, 3, []))).toBe("object");
  });

  test("prefers followers, whatever the sizes and ages", () => {
    const { cache } = sessions(limits);
    create(cache, 5);
    create(cache, 9);
    expect(create(cache, 1, { privileged: true })).toBeGreaterThan(0);
    expect(cache.evictions).toBe(1);
  });

  test("drops a session that grows beyond its partitions", () => {
    const { cache } = sessions(limits);
    const id = create(cache, 10);
    expect(cache.open(request(id, 1, [target(11)]))).toBe("FETCH_SESSION_ID_NOT_FOUND");
    expect(cache.size).toBe(0);
  });
});

test("FetchSessions: what a client knows after increments is what full fetches would have told it", () => {
  const change = fc.record({
    partition: fc.nat(4),
    highWatermark: fc.nat(3),
    logStartOffset: fc.nat(2),
    byteLength: fc.constantFrom(0, 0, 10),
    error: fc.constantFrom(null, null, null, "NOT_LEADER_OR_FOLLOWER" as const),
  });
  const step = fc.record({
    changes: fc.array(change, { maxLength: 4 }),
    add: fc.array(fc.nat(4), { maxLength: 2 }),
    forget: fc.array(fc.nat(4), { maxLength: 2 }),
  });
  fc.assert(fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
    const { cache } = sessions();
    const told = (row: FetchOutcome) => (row.error === null ? `${row.highWatermark}/${row.logStartOffset}` : row.error);
    const broker = new Map(Array.from({ length: 5 }, (_, partition) => [partition, outcome(target(partition))]));
    const say = (at: FetchTarget): FetchOutcome => {
      const now = { ...broker.get(at.partition)!, target: at };
      return now.error === null ? now : outcome(at, { error: now.error, highWatermark: -1, logStartOffset: -1 });
    };
    const client = new Map<number, string>();
    let id = 0;
    let epoch = 0;
    const wanted = new Set<number>([0, 1]);
    for (const { changes, add, forget } of steps) {
      for (const row of broker.values()) broker.set(row.target.partition, { ...row, byteLength: 0 });
      for (const { partition, ...to } of changes) broker.set(partition, { ...broker.get(partition)!, ...to });
      const news = new Set(epoch === 0 ? wanted : []);
      for (const partition of add) {
        news.add(partition);
        wanted.add(partition);
      }
      // Forgetting everything would end the session.
      const forgotten = epoch === 0 ? [] : [...new Set(forget)].filter((partition) => wanted.has(partition)).slice(0, wanted.size - 1);
      for (const partition of forgotten) {
        wanted.delete(partition);
        news.delete(partition);
        client.delete(partition);
      }
      const round = opened(
        cache,
        request(id, epoch, [...news].map((partition) => target(partition)), {
          forgotten: forgotten.map((partition) => ({
            topic: "t",
            topicId: ZERO_UUID,
            partition,
          })),
        }),
      );
      expect(new Set(round.targets.map((at) => at.partition))).toEqual(wanted);
      const all = round.targets.map(say);
      const { rows, sessionId, error } = round.settle(all);
      expect(error).toBeNull();
      for (const row of rows) client.set(row.target.partition, told(row));
      // Everything with records was sent, and nothing that the client knew already.
      for (const row of all) if (row.byteLength > 0) expect(rows).toContain(row);
      for (const row of all) expect(client.get(row.target.partition)).toBe(told(row));
      id = sessionId;
      epoch++;
    }
  }));
});
