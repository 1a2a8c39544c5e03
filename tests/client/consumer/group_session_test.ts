/** The membership machine alone: what it asks for after every answer that a coordinator can give. */
import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { GroupSession, type Joined } from "../../../lib/client/consumer/group_session.ts";
import type { PartitionsByTopic } from "../../../lib/client/consumer/assignors/types.ts";
import type { KafkaErrorName } from "../../../lib/protocol/mod.ts";

const of = (...partitions: number[]): PartitionsByTopic => partitions.length === 0 ? new Map() : new Map([["t", partitions]]);
const joined = (part: Partial<Joined> = {}): Joined => ({
  ...{ generation: 1, memberId: "m", protocol: "range", isLeader: false, skipAssignment: false, members: [] },
  ...part,
});

/** A session that went through a round in which it was given `assignment`. */
function stable(cooperative: boolean, assignment: PartitionsByTopic): GroupSession {
  const session = new GroupSession(cooperative);
  session.start(assignment.size === 0 ? ["t"] : [...assignment.keys()], "subscribed");
  session.prepared(session.turn);
  round(session, assignment);
  return session;
}

function round(session: GroupSession, assignment: PartitionsByTopic, generation = 1): void {
  session.joined(session.turn, "NONE", joined({ generation }));
  session.synced(session.turn, "NONE", assignment);
  session.adopted(session.turn);
}

describe("GroupSession", () => {
  test("joins after a read, with the id that it is given, syncs and tells the application", () => {
    const session = new GroupSession(false);
    expect(session.next()).toEqual({ do: "rest" });
    session.start(["t"], "subscribed");
    expect(session.next()).toEqual({ do: "prepare", revoked: new Map(), lost: new Map() });
    session.prepared(session.turn);
    expect(session.next()).toMatchObject({ do: "join", topics: ["t"] });
    session.joined(session.turn, "MEMBER_ID_REQUIRED", joined({ memberId: "given", generation: -1 }));
    expect([session.memberId, session.generation]).toEqual(["given", -1]);
    expect(session.next().do).toBe("join");
    session.joined(session.turn, "NONE", joined({ memberId: "given" }));
    expect(session.next()).toEqual({ do: "sync", assignment: null });
    session.synced(session.turn, "NONE", of(0, 1));
    expect(session.next()).toEqual({ do: "adopt", revoked: new Map(), added: of(0, 1) });
    expect(session.needsHeartbeat).toBe(true);
    session.adopted(session.turn);
    expect(session.next()).toEqual({ do: "rest" });
    expect(session.held).toEqual(of(0, 1));
  });

  test("works out the assignment as the leader, unless the coordinator says to skip that", () => {
    for (const skipAssignment of [false, true]) {
      const session = new GroupSession(false);
      session.start(["t"], "subscribed");
      session.prepared(session.turn);
      session.joined(session.turn, "NONE", joined({ isLeader: true, skipAssignment }));
      expect(session.next().do).toBe(skipAssignment ? "sync" : "assign");
      if (skipAssignment) continue;
      const assignment = new Map([["m", of(0)]]);
      session.assigned(session.turn, assignment);
      expect(session.next()).toEqual({ do: "sync", assignment });
    }
  });

  test("eager: gives up everything in a read before it joins again, and remembers it for sticky assignors", () => {
    const session = stable(false, of(0, 1));
    session.heard("REBALANCE_IN_PROGRESS", "m", 1);
    expect(session.next()).toEqual({ do: "prepare", revoked: of(0, 1), lost: new Map() });
    expect(session.needsHeartbeat).toBe(true);
    session.prepared(session.turn);
    expect(session.next()).toMatchObject({ do: "join", owned: new Map(), previous: { owned: of(0, 1), generation: 1 } });
  });

  test("cooperative: who gave up partitions and comes back into the same generation still joins once more, and only once", () => {
    const session = stable(true, of(0, 1));
    session.heard("REBALANCE_IN_PROGRESS", "m", 1);
    session.joined(session.turn, "NONE", joined({ generation: 2 }));
    session.synced(session.turn, "NONE", of(1));
    session.adopted(session.turn);
    expect(session.next()).toMatchObject({ do: "join", reason: "gave up partitions" });
    session.giveUp("the application does not read");
    // A static member: the coordinator knows it, and gives it what it had, without a round.
    for (const owes of [true, false]) {
      if (session.next().do === "prepare") session.prepared(session.turn);
      session.joined(session.turn, "NONE", joined({ generation: 2 }));
      session.synced(session.turn, "NONE", of(1));
      session.adopted(session.turn);
      expect(session.next().do).toBe(owes ? "join" : "rest");
    }
  });

  const owner = (memberId: string, ...partitions: number[]): Joined["members"][number] => ({
    memberId,
    instanceId: memberId,
    subscription: { topics: ["t"], userData: null, rackId: null, owned: of(...partitions), generation: 1 },
  });
  const beats = (session: GroupSession, count: number): void => {
    for (let left = count; left > 0; left--) session.heard("NONE", "m", 2);
  };

  test("cooperative: a leader that withheld partitions begins the next round after three heartbeats, if nobody has", () => {
    const withheld = new Map([["m", of(0)], ["other", of(1)]]);
    for (const assignment of [withheld, new Map([...withheld, ["new", of(2)]])]) {
      const session = new GroupSession(true);
      session.start(["t"], "subscribed");
      session.prepared(session.turn);
      session.joined(
        session.turn,
        "NONE",
        joined({ generation: 2, isLeader: true, members: [owner("m", 0), owner("other", 1, 2), owner("new")] }),
      );
      session.assigned(session.turn, assignment);
      session.synced(session.turn, "NONE", of(0));
      session.adopted(session.turn);
      beats(session, 2);
      expect(session.next().do).toBe("rest");
      beats(session, 1);
      expect(session.next().do).toBe(assignment === withheld ? "join" : "rest");
    }
  });

  test("cooperative: a static leader that comes back without a round begins one after three heartbeats, another member does not", () => {
    for (const [cooperative, isLeader] of [[true, true], [true, false], [false, true]] as const) {
      const session = new GroupSession(cooperative);
      session.start(["t"], "subscribed");
      session.prepared(session.turn);
      session.joined(session.turn, "NONE", joined({ generation: 2, isLeader, skipAssignment: isLeader }));
      session.synced(session.turn, "NONE", of(0));
      session.adopted(session.turn);
      beats(session, 3);
      expect([cooperative, isLeader, session.next().do]).toEqual([cooperative, isLeader, cooperative && isLeader ? "join" : "rest"]);
    }
  });

  test("cooperative: joins at once with what it holds, gives up the difference, and then joins once more", () => {
    const session = stable(true, of(0, 1));
    session.heard("REBALANCE_IN_PROGRESS", "m", 1);
    expect(session.next()).toMatchObject({ do: "join", owned: of(0, 1) });
    session.joined(session.turn, "NONE", joined({ generation: 2 }));
    session.synced(session.turn, "NONE", of(1, 2));
    expect(session.next()).toEqual({ do: "adopt", revoked: of(0), added: of(2) });
    session.adopted(session.turn);
    expect(session.next()).toMatchObject({ do: "join", owned: of(1, 2), reason: "gave up partitions" });
    round(session, of(1, 2), 3);
    expect(session.next()).toEqual({ do: "rest" });
  });

  test("cooperative: a topic that is no longer asked for is given up before the join", () => {
    const session = stable(true, new Map([["t", [0]], ["u", [1]]]));
    session.start(["t"], "subscription changed");
    expect(session.next()).toEqual({ do: "prepare", revoked: new Map([["u", [1]]]), lost: new Map() });
    session.prepared(session.turn);
    expect(session.next()).toMatchObject({ do: "join", topics: ["t"], owned: of(0) });
  });

  test("an id that the coordinator does not know ends the membership: what was held is lost", () => {
    for (const cooperative of [false, true]) {
      const session = stable(cooperative, of(0));
      session.heard("UNKNOWN_MEMBER_ID", "m", 1);
      expect(session.next()).toEqual({ do: "prepare", revoked: new Map(), lost: of(0) });
      expect([session.memberId, session.generation, session.needsHeartbeat]).toEqual(["", -1, false]);
      session.prepared(session.turn);
      expect(session.next()).toMatchObject({ do: "join", owned: new Map() });
    }
  });

  test("a generation of the past ends it too, but the id stays", () => {
    const session = stable(true, of(0));
    session.heard("ILLEGAL_GENERATION", "m", 1);
    expect(session.next()).toEqual({ do: "prepare", revoked: new Map(), lost: of(0) });
    expect(session.memberId).toBe("m");
  });

  test("a later generation that it is just joining does not end it: the answer to the join may still be on its way", () => {
    for (const error of ["ILLEGAL_GENERATION", "UNKNOWN_MEMBER_ID"] as const) {
      const session = stable(true, of(0));
      session.heard("REBALANCE_IN_PROGRESS", "m", 1);
      const { turn } = session;
      session.heard(error, "m", 1);
      session.joined(turn, "NONE", joined({ generation: 2 }));
      session.heard(error, "m", 2);
      session.synced(session.turn, "NONE", of(0));
      expect(session.next()).toEqual({ do: "adopt", revoked: new Map(), added: new Map() });
      expect([session.generation, session.held]).toEqual([2, of(0)]);
      session.heard(error, "m", 2);
      expect(session.next()).toEqual({ do: "prepare", revoked: new Map(), lost: of(0) });
    }
  });

  test("cooperative: what it held is lost when the coordinator forgot it while it joined", () => {
    const session = stable(true, of(0));
    session.heard("REBALANCE_IN_PROGRESS", "m", 1);
    session.joined(session.turn, "UNKNOWN_MEMBER_ID", null);
    expect(session.next()).toEqual({ do: "prepare", revoked: new Map(), lost: of(0) });
  });

  test("passes over answers to what it asked before something changed", () => {
    const session = stable(false, of(0));
    session.heard("UNKNOWN_MEMBER_ID", "other", 1);
    session.heard("UNKNOWN_MEMBER_ID", "m", 0);
    expect(session.next()).toEqual({ do: "rest" });
    session.heard("REBALANCE_IN_PROGRESS", "m", 1);
    const old = session.turn;
    session.giveUp("nobody reads");
    session.prepared(old);
    expect(session.next()).toEqual({ do: "prepare", revoked: new Map(), lost: of(0) });
  });

  test("another coordinator, or none, changes nothing: the same is asked again; a sync that failed begins with a join", () => {
    const passing: KafkaErrorName[] = ["NOT_COORDINATOR", "COORDINATOR_NOT_AVAILABLE", "COORDINATOR_LOAD_IN_PROGRESS", "NETWORK_EXCEPTION"];
    for (const error of passing) {
      const session = stable(true, of(0));
      session.heard(error, "m", 1);
      expect(session.next()).toEqual({ do: "rest" });
      session.heard("REBALANCE_IN_PROGRESS", "m", 1);
      session.joined(session.turn, error, null);
      expect(session.next()).toMatchObject({ do: "join", owned: of(0) });
      session.joined(session.turn, "NONE", joined({ generation: 2 }));
      session.synced(session.turn, error, new Map());
      expect(session.next()).toMatchObject({ do: "join", owned: of(0) });
      expect(session.memberId).toBe("m");
    }
  });

  test("the same subscription again changes nothing", () => {
    const session = stable(false, of(0));
    session.start(["t"], "subscribed");
    expect(session.next()).toEqual({ do: "rest" });
  });

  test("a change during a round makes another round follow it", () => {
    const session = new GroupSession(false);
    session.start(["t"], "subscribed");
    session.prepared(session.turn);
    session.start(["t", "u"], "subscription changed");
    round(session, of(0));
    expect(session.next()).toEqual({ do: "prepare", revoked: of(0), lost: new Map() });
    session.prepared(session.turn);
    expect(session.next()).toMatchObject({ do: "join", topics: ["t", "u"], reason: "subscription changed" });
  });

  test("a member that steps out because nobody reads has lost what it held, and joins as a new one", () => {
    const session = stable(true, of(0));
    session.giveUp("nobody reads");
    expect(session.next()).toEqual({ do: "prepare", revoked: new Map(), lost: of(0) });
    session.prepared(session.turn);
    expect(session.memberId).toBe("");
    expect(session.held).toEqual(new Map());
  });

  test("an error that no further try can cure stays until it is started again", () => {
    for (const error of ["FENCED_INSTANCE_ID", "GROUP_AUTHORIZATION_FAILED"] as const) {
      const session = stable(false, of(0));
      session.heard(error, "m", 1);
      expect(session.next()).toEqual({ do: "fail", error, lost: of(0) });
      session.rejoin("topics changed");
      expect(session.next().do).toBe("fail");
      session.start(["t"], "subscribed");
      expect(session.next()).toEqual({ do: "prepare", revoked: new Map(), lost: new Map() });
    }
  });

  test("never asks for anything after it left, and nothing is held then", () => {
    const session = stable(false, of(0));
    session.leave();
    session.heard("REBALANCE_IN_PROGRESS", "m", 1);
    session.rejoin("topics changed");
    session.giveUp("nobody reads");
    expect(session.next()).toEqual({ do: "rest" });
    expect(session.held).toEqual(new Map());
  });

  test("whatever happens: nothing is held that no round gave it, and it never tells of giving up what it does not hold", () => {
    const errors: KafkaErrorName[] = ["NONE", "REBALANCE_IN_PROGRESS", "UNKNOWN_MEMBER_ID", "ILLEGAL_GENERATION", "NOT_COORDINATOR"];
    const step = fc.record({
      kind: fc.constantFrom("answer", "heard", "rejoin", "giveUp", "subscribe"),
      error: fc.constantFrom(...errors),
      partitions: fc.subarray([0, 1, 2, 3]),
    });
    fc.assert(fc.property(fc.boolean(), fc.array(step, { maxLength: 60 }), (cooperative, steps) => {
      const session = new GroupSession(cooperative);
      session.start(["t"], "subscribed");
      const told = new Set<number>();
      let generation = 0;
      for (const { kind, error, partitions } of steps) {
        if (kind === "heard") session.heard(error, session.memberId, session.generation);
        else if (kind === "rejoin") session.rejoin("topics changed");
        else if (kind === "giveUp") session.giveUp("nobody reads");
        else if (kind === "subscribe") session.start(["t"], "subscribed");
        else {
          const action = session.next();
          if (action.do === "prepare" || action.do === "adopt") {
            const gone = action.do === "prepare"
              ? [...action.revoked.get("t") ?? [], ...action.lost.get("t") ?? []]
              : action.revoked.get("t");
            for (const partition of gone ?? []) expect(told.delete(partition)).toBe(true);
            for (const partition of action.do === "adopt" ? action.added.get("t") ?? [] : []) {
              expect(told.has(partition)).toBe(false);
              told.add(partition);
            }
            if (action.do === "prepare") session.prepared(session.turn);
            else session.adopted(session.turn);
          } else if (action.do === "join") {
            expect([...action.owned.get("t") ?? []].sort()).toEqual(cooperative ? [...told].sort() : []);
            session.joined(session.turn, error, error === "NONE" ? joined({ generation: ++generation }) : null);
          } else if (action.do === "sync") session.synced(session.turn, error, of(...partitions));
        }
      }
      const waiting = session.next();
      const lost = waiting.do === "prepare" ? waiting.lost.get("t") ?? [] : [];
      expect([...session.held.get("t") ?? []].sort()).toEqual([...told].sort());
      for (const partition of lost) expect(told.has(partition)).toBe(true);
    }));
  });
});
