/** The assignors under random groups: complete, balanced, sticky, and never handing over what somebody still holds. */
import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { ASSIGNORS, isCooperative } from "../../../lib/client/consumer/assignors/by_name.ts";
import { partitionsByTopic } from "../../../lib/client/consumer/assignors/balance.ts";
import type { AssignorMember, GroupAssignment, PartitionsByTopic } from "../../../lib/client/consumer/assignors/types.ts";
import { decodeAssignment, decodeSubscription, encodeAssignment, encodeSubscription } from "../../../lib/client/consumer/member_data.ts";
import type { Assignor } from "../../../lib/client/types.ts";

const NAMES = Object.keys(ASSIGNORS) as Assignor[];
const NOTHING: PartitionsByTopic = new Map();

function member(memberId: string, topics: readonly string[], owned = NOTHING, generation = -1, name: Assignor = "range"): AssignorMember {
  const assignor = ASSIGNORS[name];
  const userData = assignor.userData({ owned, generation });
  // Members of an eager protocol have given everything up before they join.
  const subscription = { topics, userData, owned: assignor.cooperative ? owned : NOTHING, generation, rackId: null };
  return { memberId, instanceId: null, subscription: decodeSubscription(encodeSubscription(subscription)) };
}

const flat = (assignment: GroupAssignment) =>
  [...assignment].flatMap(([memberId, topics]) =>
    [...topics].flatMap(([topic, partitions]) => partitions.map((partition) => ({ memberId, topic, partition })))
  );
const keyed = (assignment: GroupAssignment) =>
  new Map(flat(assignment).map(({ memberId, topic, partition }) => [`${topic}-${partition}`, memberId]));
const load = (topics: PartitionsByTopic | undefined) => [...topics?.values() ?? []].reduce((sum, list) => sum + list.length, 0);
const shown = (assignment: GroupAssignment) => Object.fromEntries([...assignment].map(([id, topics]) => [id, Object.fromEntries(topics)]));

/** Rounds of the protocol until nothing changes: what members hold after each is what they were given. */
function settle(
  name: Assignor,
  ids: readonly string[],
  topicsOf: (id: string) => readonly string[],
  counts: Map<string, number>,
  held: GroupAssignment,
) {
  let generation = 1;
  for (let round = 0; round < 10; round++) {
    const members = ids.map((id) => member(id, topicsOf(id), held.get(id) ?? NOTHING, generation, name));
    const next = ASSIGNORS[name].assign(members, counts);
    generation++;
    if (JSON.stringify(shown(next)) === JSON.stringify(shown(held))) return next;
    held = next;
  }
  throw new Error("The group does not settle");
}

const counts = fc.dictionary(fc.constantFrom("a", "b", "c", "d"), fc.integer({ min: 1, max: 12 }), { minKeys: 1 }).map((all) =>
  new Map(Object.entries(all))
);
const ids = fc.uniqueArray(fc.integer({ min: 0, max: 40 }).map((n) => `m${n}`), { minLength: 1, maxLength: 9 });

describe("every assignor", () => {
  test("gives every partition that somebody wants to exactly one member that wants it", () => {
    fc.assert(fc.property(
      fc.constantFrom(...NAMES),
      counts,
      ids,
      fc.array(fc.subarray(["a", "b", "c", "d", "absent"]), { minLength: 9, maxLength: 9 }),
      (name, counts, ids, wishes) => {
        const members = ids.map((id, i) => member(id, wishes[i]!, NOTHING, -1, name));
        const assignment = ASSIGNORS[name].assign(members, counts);
        expect([...assignment.keys()].sort()).toEqual(ids.toSorted());
        const given = flat(assignment);
        const wanted = [...counts].filter(([topic]) => members.some(({ subscription }) => subscription.topics.includes(topic)));
        expect(given.length).toBe(wanted.reduce((sum, [, count]) => sum + count, 0));
        expect(keyed(assignment).size).toBe(given.length);
        for (const { memberId, topic } of given) {
          expect(members.find((one) => one.memberId === memberId)!.subscription.topics).toContain(topic);
        }
      },
    ));
  });

  test("levels the loads where subscriptions are equal: per topic for range, over all topics for the others", () => {
    fc.assert(fc.property(fc.constantFrom(...NAMES), counts, ids, (name, counts, ids) => {
      const topics = [...counts.keys()];
      const assignment = ASSIGNORS[name].assign(ids.map((id) => member(id, topics, NOTHING, -1, name)), counts);
      const spread = (loads: readonly number[]) => Math.max(...loads) - Math.min(...loads);
      if (name === "range") {
        for (const topic of topics) {
          expect(spread(ids.map((id) => assignment.get(id)!.get(topic)?.length ?? 0))).toBeLessThanOrEqual(1);
        }
      } else expect(spread(ids.map((id) => load(assignment.get(id))))).toBeLessThanOrEqual(1);
    }));
  });
});

describe("sticky and cooperative-sticky", () => {
  const stickyName = fc.constantFrom<Assignor>("sticky", "cooperative-sticky");

  test("move no more than levelling needs when members join and leave", () => {
    fc.assert(fc.property(stickyName, counts, ids, ids, (name, counts, before, after) => {
      const topics = [...counts.keys()];
      const first = settle(name, before, () => topics, counts, new Map());
      const second = settle(name, after, () => topics, counts, first);
      const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
      const [least, most] = [Math.floor(total / after.length), Math.ceil(total / after.length)];
      // Of what staying members hold only the excess may move, and no more than the others lack.
      const staying = before.filter((id) => after.includes(id));
      const excess = staying.reduce((sum, id) => sum + Math.max(0, load(first.get(id)) - most), 0);
      const lack = after.reduce((sum, id) => sum + Math.max(0, least - load(first.get(id))), 0);
      const then = keyed(second);
      const moved = flat(first).filter(({ memberId, topic, partition }) =>
        staying.includes(memberId) && then.get(`${topic}-${partition}`) !== memberId
      );
      expect(moved.length).toBeLessThanOrEqual(Math.max(excess, lack));
    }));
  });

  test("leave nobody two ahead of a member that could take one", () => {
    fc.assert(fc.property(
      stickyName,
      counts,
      ids,
      fc.array(fc.subarray(["a", "b", "c", "d"], { minLength: 1 }), { minLength: 9, maxLength: 9 }),
      (name, counts, ids, wishes) => {
        const topicsOf = (id: string) => wishes[ids.indexOf(id)]!;
        const assignment = settle(name, ids, topicsOf, counts, new Map());
        for (const { memberId, topic } of flat(assignment)) {
          for (const id of ids) {
            if (topicsOf(id).includes(topic)) {
              expect(load(assignment.get(memberId)) - load(assignment.get(id))).toBeLessThanOrEqual(1);
            }
          }
        }
      },
    ));
  });

  test("believe the later generation, and nobody where two of one generation claim the same", () => {
    const topics = new Map([["a", 2]]);
    const claim = (id: string, partitions: number[], generation: number) =>
      member(id, ["a"], new Map([["a", partitions]]), generation, "sticky");
    const later = ASSIGNORS.sticky.assign([claim("x", [0, 1], 4), claim("y", [0], 5)], topics);
    expect(shown(later)).toEqual({ x: { a: [1] }, y: { a: [0] } });
    const both = ASSIGNORS["cooperative-sticky"].assign(
      ["x", "y"].map((id) => member(id, ["a"], new Map([["a", [0]]]), 5, "cooperative-sticky")),
      topics,
    );
    expect(flat(both).filter(({ partition }) => partition === 0)).toEqual([]);
  });
});

test("cooperative-sticky hands nothing over before it was revoked, and everything within two more rounds", () => {
  fc.assert(fc.property(counts, ids, ids, (counts, before, after) => {
    const topics = [...counts.keys()];
    const held = settle("cooperative-sticky", before, () => topics, counts, new Map());
    const join = (held: GroupAssignment, generation: number) =>
      ASSIGNORS["cooperative-sticky"].assign(
        after.map((id) => member(id, topics, held.get(id) ?? NOTHING, generation, "cooperative-sticky")),
        counts,
      );
    const holders = keyed(new Map([...held].filter(([id]) => after.includes(id))));
    const first = join(held, 5);
    for (const [key, memberId] of keyed(first)) expect(holders.get(key) ?? memberId).toBe(memberId);
    const second = join(first, 6);
    expect(keyed(second).size).toBe([...counts.values()].reduce((sum, count) => sum + count, 0));
  }));
});

test("isCooperative() wants every assignor of the list to be", () => {
  expect(isCooperative(["cooperative-sticky"])).toBe(true);
  expect(isCooperative(["range", "cooperative-sticky"])).toBe(false);
});

describe("the Java client's numbers", () => {
  const topics = new Map([["t0", 3], ["t1", 3]]);
  const two = ["C0", "C1"].map((id) => member(id, ["t0", "t1"]));

  test("range gives the first member the larger part of each topic", () => {
    expect(shown(ASSIGNORS.range.assign(two, topics))).toEqual({ C0: { t0: [0, 1], t1: [0, 1] }, C1: { t0: [2], t1: [2] } });
  });

  test("roundrobin deals over topics", () => {
    expect(shown(ASSIGNORS.roundrobin.assign(two, topics))).toEqual({ C0: { t0: [0, 2], t1: [1] }, C1: { t0: [1], t1: [0, 2] } });
  });

  test("static members come first, in the order of their instance ids", () => {
    const members = [
      { ...member("a", ["t0"]), instanceId: null },
      { ...member("z", ["t0"]), instanceId: "i1" },
      { ...member("y", ["t0"]), instanceId: "i0" },
    ];
    expect(shown(ASSIGNORS.range.assign(members, topics))).toEqual({ y: { t0: [0] }, z: { t0: [1] }, a: { t0: [2] } });
  });
});

describe("user data", () => {
  test("sticky writes topics and generation without a version before them", () => {
    const bytes = ASSIGNORS.sticky.userData({ owned: new Map([["a", [1]]]), generation: 7 });
    expect([...bytes!]).toEqual([0, 0, 0, 1, 0, 1, 97, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 7]);
    expect(ASSIGNORS.sticky.userData({ owned: NOTHING, generation: 7 })).toBeNull();
  });

  test("sticky reads what clients before generations wrote, and passes over other bytes", () => {
    const old = Uint8Array.of(0, 0, 0, 1, 0, 1, 97, 0, 0, 0, 1, 0, 0, 0, 1);
    const members = [old, Uint8Array.of(1, 2, 3)].map((userData, i) => ({
      memberId: `m${i}`,
      instanceId: null,
      subscription: { topics: ["a"], userData, owned: NOTHING, generation: -1, rackId: null },
    }));
    expect(shown(ASSIGNORS.sticky.assign(members, new Map([["a", 2]])))).toEqual({ m0: { a: [1] }, m1: { a: [0] } });
  });

  test("cooperative-sticky writes the generation, and believes it where the subscription has none", () => {
    const bytes = ASSIGNORS["cooperative-sticky"].userData({ owned: NOTHING, generation: 7 });
    expect([...bytes!]).toEqual([0, 0, 0, 7]);
    const members = [bytes, null].map((userData, i) => ({
      memberId: `m${i}`,
      instanceId: null,
      subscription: { topics: ["a"], userData, owned: new Map([["a", [0]]]), generation: -1, rackId: null },
    }));
    expect(shown(ASSIGNORS["cooperative-sticky"].assign(members, new Map([["a", 1]])))).toEqual({ m0: { a: [0] }, m1: {} });
  });
});

describe("member data", () => {
  test("reads back what it wrote", () => {
    const subscription = {
      topics: ["a", "b"],
      userData: Uint8Array.of(1),
      owned: partitionsByTopic([{ topic: "a", partition: 3 }, { topic: "a", partition: 1 }]),
      generation: 12,
      rackId: "r1",
    };
    expect(decodeSubscription(encodeSubscription(subscription))).toEqual(subscription);
    expect(decodeAssignment(encodeAssignment(subscription.owned))).toEqual(subscription.owned);
    expect(decodeAssignment(new Uint8Array())).toEqual(new Map());
  });

  test("takes a newer version as the newest that it knows, and a v0 without what came later", () => {
    const newer = encodeSubscription({ topics: ["a"], userData: null, owned: NOTHING, generation: 3, rackId: null });
    newer[1] = 9;
    expect(decodeSubscription(Uint8Array.from([...newer, 1, 2, 3])).generation).toBe(3);
    const v0 = Uint8Array.of(0, 0, 0, 0, 0, 1, 0, 1, 97, 255, 255, 255, 255);
    expect(decodeSubscription(v0)).toEqual({ topics: ["a"], userData: null, owned: new Map(), generation: -1, rackId: null });
  });
});
