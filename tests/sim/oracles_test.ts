import { describe, expect, test } from "bun:test";
import type {
  Changed,
  Committed,
  Ended,
  Fetched,
  HistoryEvent,
  Listed,
  Oracle,
  Produced,
  Read,
  Started,
  Whole,
} from "../../lib/sim/mod.ts";
import { judge, ORACLES } from "../../lib/sim/oracles/mod.ts";

/** Events in a row: each begins when the one before was told, unless it says otherwise. */
function history(...events: readonly (HistoryEvent | readonly HistoryEvent[])[]): readonly HistoryEvent[] {
  let now = 0;
  return events.flat().map((event) => {
    if (event.kind === "whole") return event;
    const askedAt = event.askedAt >= 0 ? event.askedAt : now;
    const toldAt = event.toldAt >= 0 ? event.toldAt : askedAt + 1;
    now = toldAt;
    return { ...event, askedAt, toldAt };
  });
}

const op = { client: "c1", askedAt: -1, toldAt: -1 };
const place = { topic: "t", partition: 0 };
const produced = (mark: string, offset: number, more: Partial<Produced> = {}): Produced => ({
  ...{ ...op, ...place, kind: "produced", mark, offset, told: "ok", idempotent: true },
  ...more,
});
const read = (mark: string, offset: number, more: Partial<Read> = {}): Read => ({
  ...{ ...op, ...place, kind: "read", client: "r1", mark, offset, group: "" },
  ...more,
});
/** Marks in a row from `logStart`; a number is a gap up to that offset. */
const whole = (marks: readonly string[], more: Partial<Whole> = {}): Whole => {
  const logStart = more.logStart ?? 0;
  return {
    ...{ ...place, kind: "whole", reader: "start 1", logStart, end: logStart + marks.length },
    records: marks.map((mark, at) => [logStart + at, mark] as const),
    ...more,
  };
};
const ended = (offset: number, more: Partial<Ended> = {}): Ended => ({ ...op, ...place, kind: "ended", offset, ...more });
const started = (offset: number, more: Partial<Started> = {}): Started => ({ ...op, ...place, kind: "started", offset, ...more });
/** Of a producer without idempotence that sends one batch at a time. */
const plain = { idempotent: false, oneByOne: true };
const assigned = (member: string, generation: number, ...partitions: readonly string[]): HistoryEvent => ({
  ...{ ...op, kind: "assigned", client: member, group: "g", member, generation, partitions },
});
const committed = (member: string, generation: number, offset: number, more: Partial<Committed> = {}): Committed => ({
  ...{ ...op, ...place, kind: "committed", client: member, group: "g", member, generation, offset, told: "ok" },
  ...more,
});
const fetched = (offset: number, more: Partial<Fetched> = {}): Fetched => ({
  ...{ ...op, ...place, kind: "fetched", group: "g", offset },
  ...more,
});
const changed = (change: Changed["change"], more: Partial<Changed> = {}): Changed => ({
  ...{ ...op, ...place, kind: "changed", change, detail: "", told: "ok" },
  ...more,
});
const created = (partition: number, detail = "", more: Partial<Changed> = {}) => changed("createTopic", { partition, detail, ...more });
const deleted = (more: Partial<Changed> = {}) => changed("deleteTopic", more);
const cut = (offset: number, more: Partial<Changed> = {}) => changed("deleteRecords", { detail: String(offset), ...more });
const listed = (topics: Record<string, number>): Listed => ({ ...op, kind: "listed", topics });
const described = (configs: Record<string, string>): HistoryEvent => ({ ...op, kind: "described", topic: "t", configs });

interface Cases {
  /** Nothing is wrong with them for any rule. */
  readonly fine: Readonly<Record<string, readonly HistoryEvent[]>>;
  /** The rule complains once about each; other rules may. */
  readonly wrong: Readonly<Record<string, readonly HistoryEvent[]>>;
}

const CASES: Readonly<Record<string, Cases>> = {
  "lost-write": {
    fine: {
      "acknowledged and there": history(produced("a", 0), produced("b", 1), whole(["a", "b"])),
      "unknown, there or not": history(produced("a", -1, { told: "unknown" }), produced("b", -1, { told: "unknown" }), whole(["b"])),
      "below the log start that somebody asked for": history(produced("a", 0), produced("b", 1), cut(1), whole(["b"], { logStart: 1 })),
      "gone with its topic": history(created(1), produced("a", 0), deleted()),
      "gone with its topic, perhaps": history(produced("a", 0), deleted({ told: "unknown" }), whole(["a"])),
      "not in a compacted topic any more": history(
        created(1, "cleanup.policy=compact"),
        produced("a", 0),
        produced("b", 1),
        whole([], { end: 2, records: [[1, "b"]] }),
      ),
    },
    wrong: {
      "acknowledged and not there": history(produced("a", 0), produced("b", 1), whole(["a"])),
      "in one of two readings only": history(produced("a", 0), whole(["a"]), whole([], { reader: "start 2" })),
      "written after its topic was made anew": history(deleted(), produced("a", 0), whole([])),
    },
  },
  "unread-log": {
    fine: {
      "read, or not known to be there": history(produced("a", 0), produced("b", -1, { partition: 1, told: "unknown" }), whole(["a"])),
      "gone with its topic": history(created(1), produced("a", 0), deleted()),
    },
    wrong: {
      "in a partition that nobody can read": history(produced("a", 0)),
    },
  },
  "refused-write": {
    fine: { "refused and nowhere": history(produced("a", -1, { told: "failed" }), whole([])) },
    wrong: {
      "in the log": history(produced("a", -1, { told: "failed" }), whole(["a"])),
      "seen by a consumer": history(produced("a", -1, { told: "failed" }), read("a", 0)),
    },
  },
  duplicate: {
    fine: {
      "twice, of a producer that may": history(produced("a", 1, { idempotent: false }), whole(["a", "a"])),
      "read by two": history(produced("a", 0), read("a", 0), read("a", 0, { client: "r2" }), whole(["a"])),
    },
    wrong: {
      "twice in the log": history(produced("a", 0), whole(["a", "a"])),
      "twice although nobody knows about it": history(produced("a", -1, { told: "unknown" }), whole(["a", "a"])),
      "twice for a consumer": history(produced("a", 0), read("a", 0), read("a", 1)),
      "in another partition": history(produced("a", 0, { idempotent: false }), read("a", 0, { partition: 1 })),
    },
  },
  "producer-order": {
    fine: {
      "in order, with one missing": history(produced("a", 0), produced("b", -1, { told: "unknown" }), produced("c", 1), whole(["a", "c"])),
      "two producers": history(produced("a", 1), produced("b", 0, { client: "c2" }), whole(["b", "a"])),
      "not idempotent": history(produced("a", 1, { idempotent: false }), produced("b", 0, { idempotent: false }), whole(["b", "a"])),
    },
    wrong: {
      "overtaken": history(produced("a", 1), produced("b", 0), whole(["b", "a"])),
      "overtaken, asked for at the same instant": history(
        produced("b", 0, { askedAt: 0 }),
        produced("a", 1, { askedAt: 0 }),
        whole(["b", "a"]),
      ),
    },
  },
  "one-by-one": {
    fine: {
      "in order, with repeats behind": history(
        produced("a", 0, plain),
        produced("b", 1, plain),
        whole(["a", "b", "a"]),
        whole(["a", "b", "a"], { reader: "start 2" }),
      ),
      "one that was given up comes late": history(
        produced("a", -1, { ...plain, told: "unknown" }),
        produced("b", 0, plain),
        whole(["b", "a"]),
      ),
      "several at once": history(produced("a", 1, { idempotent: false }), produced("b", 0, { idempotent: false }), whole(["b", "a"])),
      "the first of two is gone": history(cut(1), produced("a", 2, plain), produced("b", 1, plain), whole(["b", "a"], { logStart: 1 })),
    },
    wrong: { "overtaken": history(produced("a", 1, plain), produced("b", 0, plain), whole(["b", "a"])) },
  },
  "invented-record": {
    fine: { "written by somebody": history(produced("a", 0), read("a", 0), whole(["a"])) },
    wrong: { "read": history(read("a", 0)), "in the log": history(whole(["a"])) },
  },
  "inconsistent-offsets": {
    fine: {
      "the same for everybody": history(produced("a", 0), read("a", 0), whole(["a"]), whole(["a"], { reader: "start 2" })),
      "of another topic of the same name": history(
        created(1),
        produced("a", 0),
        deleted(),
        created(1),
        produced("b", 0),
        read("b", 0),
        whole(["b"]),
      ),
    },
    wrong: {
      "two producers were told the same": history(produced("a", 0), produced("b", 0, { client: "c2" })),
      "acknowledged elsewhere": history(produced("a", 1), read("b", 1)),
      "after a restart": history(read("a", 0), whole(["b"])),
      "two readings": history(whole(["a"]), whole(["b"], { reader: "start 2" })),
    },
  },
  "dense-offsets": {
    fine: {
      "nothing": history(whole([])),
      "in a compacted topic": history(created(1, "cleanup.policy=compact"), produced("b", 3), whole([], { end: 5, records: [[3, "b"]] })),
    },
    wrong: {
      "a hole": history(whole([], { end: 3, records: [[0, "a"], [2, "c"]] })),
      "a hole at the start": history(whole([], { logStart: 0, end: 2, records: [[1, "a"]] })),
      "a hole at the end": history(whole(["a"], { end: 2 })),
      "beyond the end": history(whole(["a", "b"], { end: 1 })),
      "backwards": history(created(1, "cleanup.policy=compact"), whole([], { end: 5, records: [[3, "b"], [1, "a"]] })),
    },
  },
  "lasting-records": {
    fine: {
      "more and less": history(
        created(1, "retention.ms=10"),
        produced("a", 0),
        produced("b", 1),
        whole(["a"]),
        whole(["b"], { logStart: 1 }),
      ),
    },
    wrong: {
      "a shorter log": history(produced("a", -1, { told: "unknown" }), whole(["a"]), whole([], { reader: "start 2" })),
      "a log start that goes back": history(cut(1), whole(["b"], { logStart: 1 }), whole(["a", "b"], { reader: "start 2" })),
    },
  },
  "lasting-ends": {
    fine: {
      "further and further": history(ended(0), produced("a", 0), ended(1), read("a", 0), ended(2), whole(["a", "b"])),
      "asked for before": history(produced("a", 0, { askedAt: 0, toldAt: 5 }), ended(0, { askedAt: 4, toldAt: 6 })),
      "nobody knows whether it is there": history(produced("a", -1, { told: "unknown" }), ended(0)),
      "read as a whole before": history(whole(["a"]), produced("b", 1), ended(2)),
      "of a topic that was deleted": history(created(1), produced("a", 0), deleted(), created(1), ended(0)),
    },
    wrong: {
      "below what was acknowledged": history(produced("a", 0), ended(0)),
      "below what was read": history(read("b", 1), ended(1)),
      "below what it was": history(ended(3), ended(2)),
      "read and not there any more": history(created(1, "retention.ms=10"), read("b", 1), whole(["a"])),
    },
  },
  "poll-order": {
    fine: {
      "one after the other": history(read("a", 5), read("b", 6), read("c", 0, { partition: 1 }), read("a", 5, { client: "r2" })),
      "from the committed offset after an assignment": history(
        assigned("m", 1, "t-0"),
        read("a", 0, { client: "m", group: "g" }),
        assigned("m", 2, "t-0"),
        read("a", 0, { client: "m", group: "g" }),
      ),
      "over records that were deleted": history(cut(5), read("a", 1, { askedAt: 0 }), read("b", 5)),
    },
    wrong: {
      "left out": history(read("a", 0), read("c", 2)),
      "again": history(read("a", 0), read("a", 0)),
      "back": history(read("b", 1), read("a", 0)),
      "left out within an assignment": history(assigned("m", 1, "t-0"), read("a", 0, { client: "m" }), read("c", 2, { client: "m" })),
      "back although records were deleted": history(cut(1), read("c", 2), read("b", 1)),
    },
  },
  "read-of-deleted": {
    fine: {
      "asked for before": history(produced("a", 0), cut(1, { askedAt: 5 }), read("a", 0, { askedAt: 5, toldAt: 9 })),
      "of the next topic": history(created(1), produced("a", 0), deleted(), created(1), produced("b", 0), read("b", 0), whole(["b"])),
    },
    wrong: {
      "below the log start": history(produced("a", 0), cut(1), read("a", 0)),
      "of a deleted topic": history(produced("a", 0), deleted(), read("a", 0)),
      "in the log of the next topic": history(produced("a", 0), deleted(), whole(["a"])),
    },
  },
  "log-start": {
    fine: {
      "where it was asked for": history(cut(2), whole([], { logStart: 2, end: 2 })),
      "perhaps": history(cut(2, { told: "unknown" }), whole([], { logStart: 2, end: 2 })),
      "all there was, perhaps": history(cut(-1, { told: "unknown" }), whole([], { logStart: 3, end: 3 })),
      "with a limit of time": history(created(1, "retention.ms=100 segment.ms=50"), started(3), whole([], { logStart: 3, end: 3 })),
      "told of it while it is being deleted": history(cut(2, { askedAt: 0, toldAt: 9 }), started(2, { askedAt: 1, toldAt: 2 })),
      "not yet, while it is being deleted": history(cut(2, { askedAt: 0, toldAt: 9 }), started(0, { askedAt: 1, toldAt: 2 })),
      "all there was, told by others": history(cut(-1, { told: "unknown" }), started(3)),
      "of a topic that was deleted": history(cut(2), deleted(), created(1), started(0)),
    },
    wrong: {
      "told of what was deleted": history(cut(2), started(1)),
      "told of more than was asked for": history(cut(2), started(3), cut(4)),
      "it goes back": history(cut(2, { told: "unknown" }), started(2), started(1)),
      "nothing was deleted": history(cut(2), whole(["a", "b"])),
      "nobody asked": history(whole([], { logStart: 1, end: 1 })),
      "more than anybody asked for": history(cut(1), cut(2, { told: "failed" }), whole([], { logStart: 2, end: 2 })),
      "retention was taken back to none": history(created(1, "retention.ms=-1"), whole([], { logStart: 1, end: 1 })),
    },
  },
  "one-owner": {
    fine: {
      "one each": history(assigned("m1", 1, "t-0"), assigned("m2", 1, "t-1"), assigned("m2", 2, "t-0", "t-1")),
      "told twice": history(assigned("m1", 1, "t-0"), assigned("m1", 1, "t-0")),
    },
    wrong: { "two in one generation": history(assigned("m1", 1, "t-0"), assigned("m2", 1, "t-0")) },
  },
  generations: {
    fine: {
      "in order": history(
        assigned("m1", 1, "t-0"),
        committed("m1", 1, 0),
        assigned("m1", 2),
        assigned("m2", 2, "t-0"),
        committed("m2", 2, 0),
      ),
      "asked for before": history(assigned("m1", 1, "t-0"), assigned("m2", 2, "t-0"), committed("m1", 1, 0, { askedAt: 1, toldAt: 3 })),
      "refused": history(assigned("m1", 1, "t-0"), assigned("m2", 2, "t-0"), committed("m1", 1, 0, { told: "failed" })),
      "of a group that was deleted between": history(
        assigned("m1", 3, "t-0"),
        changed("deleteGroup", { topic: "g" }),
        assigned("m2", 1, "t-0"),
        committed("m2", 1, 0),
      ),
    },
    wrong: {
      "a commit of an earlier one": history(assigned("m1", 1, "t-0"), assigned("m2", 2, "t-0"), committed("m1", 1, 0)),
      "an earlier one comes back": history(assigned("m1", 2, "t-0"), assigned("m2", 1, "t-0")),
    },
  },
  "committed-offsets": {
    fine: {
      "the last one": history(fetched(-1), committed("m", 1, 0), committed("m", 1, 0), fetched(0)),
      "perhaps": history(committed("m", 1, 0), committed("m", 1, 0, { offset: 0, told: "unknown" }), fetched(0)),
      "one of two at the same time": history(
        committed("m", 1, 0, { askedAt: 0, toldAt: 9 }),
        committed("m", -1, 0, { askedAt: 1, toldAt: 8 }),
        fetched(0),
      ),
      "deleted": history(committed("m", 1, 0), changed("deleteGroup", { topic: "g" }), fetched(-1)),
      "deleted with its topic": history(committed("m", 1, 0), created(1), deleted(), fetched(-1)),
    },
    wrong: {
      "not the last one": history(committed("m", 1, 0), committed("m", 1, 3), fetched(0)),
      "refused": history(committed("m", 1, 4, { told: "failed" }), fetched(4)),
      "nobody's": history(fetched(7)),
      "lost": history(committed("m", 1, 0), fetched(-1)),
      "seen and gone": history(committed("m", 1, 0, { toldAt: 1 }), committed("m", 1, 3, { told: "unknown" }), fetched(3), fetched(0)),
      "of a generation that was over": history(
        assigned("m", 1, "t-0"),
        committed("m", 2, 3),
        committed("m", 1, 0, { askedAt: 0, told: "unknown" }),
        fetched(0, { askedAt: 5 }),
      ),
      "not from the future": history(fetched(3), committed("m", 1, 3)),
    },
  },
  "group-skip": {
    fine: {
      "what was read": history(produced("a", 0), read("a", 0, { group: "g" }), committed("m", 1, 1)),
      "committed by an administrator": history(produced("a", 0), committed("", -1, 1)),
      "nothing was there to read": history(committed("m", 1, 5, { told: "failed" }), committed("m", 1, 0)),
    },
    wrong: {
      "what nobody read": history(produced("a", 0), produced("b", 1), read("b", 1, { group: "g" }), committed("m", 1, 2)),
      "what another group read": history(produced("a", 0), read("a", 0, { group: "h" }), committed("m", 1, 1)),
      "what was read later": history(produced("a", 0), committed("m", 1, 1), read("a", 0, { group: "g" })),
    },
  },
  "topic-lists": {
    fine: {
      "made, grown, deleted": history(
        listed({}),
        created(1),
        listed({ t: 1, other: 5 }),
        changed("createPartitions", { partition: 3 }),
        listed({ t: 3 }),
        deleted(),
        listed({}),
      ),
      "perhaps": history(created(1, "", { told: "unknown" }), listed({}), listed({ t: 1 })),
      "refused": history(created(1), created(4, "", { told: "failed" }), listed({ t: 1 })),
    },
    wrong: {
      "not listed": history(created(1), listed({})),
      "still listed": history(created(1), deleted(), listed({ t: 1 })),
      "back again": history(created(1, "", { toldAt: 1 }), deleted({ told: "unknown" }), listed({}), listed({ t: 1 })),
      "partitions not listed": history(created(1), changed("createPartitions", { partition: 3 }), listed({ t: 1 })),
      "a number nobody asked for": history(created(1), listed({ t: 2 })),
    },
  },
  "topic-lives": {
    fine: {
      "one after the other": history(created(1), deleted(), created(1), deleted()),
      "deleted between, perhaps": history(created(1), deleted({ told: "unknown" }), created(1)),
    },
    wrong: {
      "made twice": history(created(1), created(1)),
      "deleted twice": history(created(1), deleted(), deleted()),
      "deleted too late": history(created(1), created(1), deleted()),
    },
  },
  "topic-configs": {
    fine: {
      "as they were set": history(
        created(1, "a=1 b=2"),
        described({ a: "1", b: "2" }),
        changed("alterConfig", { detail: "a=3" }),
        described({ a: "3", b: "2" }),
        deleted(),
        created(1),
        described({}),
      ),
    },
    wrong: {
      "not seen": history(created(1, "a=1"), changed("alterConfig", { detail: "a=3" }), described({ a: "1" })),
      "lost": history(created(1, "a=1"), described({})),
      "nobody's": history(created(1), described({ a: "1" })),
      "of the topic before": history(created(1, "a=1"), deleted(), created(1), described({ a: "1" })),
    },
  },
};

test("every rule has cases", () => {
  expect(Object.keys(CASES).toSorted()).toEqual(Object.keys(ORACLES).toSorted());
});

for (const [name, { fine, wrong }] of Object.entries(CASES)) {
  describe(name, () => {
    for (const [title, events] of Object.entries(fine)) {
      test(`accepts: ${title}`, () => expect((ORACLES as Readonly<Record<string, Oracle>>)[name]!(events)).toEqual([]));
    }
    for (const [title, events] of Object.entries(wrong)) {
      test(`refuses: ${title}`, () => {
        const problems = (ORACLES as Readonly<Record<string, Oracle>>)[name]!(events);
        expect(problems).toHaveLength(1);
        expect(judge(events)).toContain(`${name}: ${problems[0]}`);
      });
    }
  });
}

test("a run in which everything happens and nothing is wrong has nothing to be told of it", () => {
  const all = history(
    created(1),
    listed({ t: 1 }),
    produced("a", 0),
    produced("b", 1),
    produced("c", -1, { told: "unknown" }),
    produced("d", -1, { told: "failed" }),
    assigned("m", 1, "t-0"),
    read("a", 0, { client: "m", group: "g" }),
    read("b", 1, { client: "m", group: "g" }),
    fetched(-1),
    committed("m", 1, 2),
    fetched(2),
    cut(1),
    read("b", 1),
    whole(["b", "c"], { logStart: 1 }),
    whole(["b", "c"], { logStart: 1, reader: "start 2" }),
  );
  expect(judge(all)).toEqual([]);
});
