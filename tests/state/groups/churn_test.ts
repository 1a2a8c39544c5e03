/**
 * Random members that join, sync, commit, fall silent, restart and leave, under writes that settle late or fail, against what must hold
 * whatever they do (HAZARDS E4): nobody else's oracle than the answers and the records themselves.
 */
import { expect, test } from "bun:test";
import fc from "fast-check";
import type { KafkaErrorName } from "../../../lib/protocol/errors.ts";
import { ZERO_UUID } from "../../../lib/protocol/ids.ts";
import { type Command, type Effects, type GroupRecord, GroupsMachine, type Reply } from "../../../lib/state/groups/mod.ts";
import { SETTINGS, subscription } from "./scenario.ts";

const CLIENTS = 5;
const PARTITIONS = 3;
const utf8 = new TextEncoder();
const text = new TextDecoder();
/** The most of each in any run: a property is not true because nothing happened. */
const seen = { generations: 0, owners: 0, commits: 0 };

type Operation = readonly [kind: string, client: number, amount: number];

interface Client {
  memberId: string;
  generation: number;
  readonly instanceId: string | null;
  leads: boolean;
  members: readonly string[];
}

class Churn {
  machine = new GroupsMachine({ ...SETTINGS, maxSize: 4, initialRebalanceDelayMs: 100 });
  now = { mono: 0, wall: 1_000_000 };
  readonly clients: Client[] = Array.from({ length: CLIENTS }, (_, i) => ({
    memberId: "",
    generation: -1,
    // Two of the five are static.
    instanceId: i < 2 ? `static-${i}` : null,
    leads: false,
    members: [],
  }));
  readonly log: GroupRecord[] = [];
  held: NonNullable<Effects["append"]>[] = [];
  wakeAt: number | null = null;
  readonly open = new Map<number, { readonly command: Command; readonly client: number }>();
  /** The newest generation that anybody was told of. */
  newestGeneration = -1;
  /** Which of the leader's assignments was handed out in a generation, and who got each partition of it. */
  readonly handedOut = new Map<number, { readonly attempt: string; readonly owners: Map<string, string> }>();
  readonly committed = new Map<number, number>();
  attempts = 0;
  born = 0;
  tickets = 0;

  run([kind, which, amount]: Operation): void {
    const client = this.clients[which]!;
    const fence = { groupId: "g", memberId: client.memberId, instanceId: client.instanceId, generation: client.generation };
    const ticket = this.tickets++;
    switch (kind) {
      case "round":
        // What clients do most of the time: everybody joins, syncs and commits.
        for (const step of ["join", "join", "sync", "settle", "settle", "commit"]) {
          for (let i = 0; i < CLIENTS; i++) this.run([step, (which + i) % CLIENTS, amount]);
          this.advance(150);
        }
        return;
      case "restartClient":
        client.memberId = "";
        return this.run(["join", which, amount]);
      case "join":
        return this.step(which, {
          kind: "join",
          ticket,
          groupId: "g",
          memberId: client.memberId,
          instanceId: client.instanceId,
          clientId: `c${which}`,
          clientHost: "/127.0.0.1",
          sessionTimeoutMs: 10_000,
          rebalanceTimeoutMs: 5_000,
          protocolType: "consumer",
          protocols: [{ name: "range", metadata: subscription([`t${amount % 2}`]) }],
          newMemberId: `m${which}-${this.born++}`,
          requireKnownMemberId: amount % 3 > 0,
          canSkipAssignment: amount % 2 > 0,
        });
      case "sync": {
        const attempt = `attempt ${this.attempts++} of ${client.generation}`;
        const assignments = client.leads
          ? client.members.map((memberId, i) => ({ memberId, assignment: utf8.encode(`${attempt}:p${i}`) }))
          : [];
        return this.step(which, { kind: "sync", ticket, ...fence, protocolType: null, protocolName: null, assignments });
      }
      case "heartbeat":
        return this.step(which, { kind: "heartbeat", ticket, ...fence });
      case "leave": {
        const { memberId, instanceId } = client;
        return this.step(which, { kind: "leave", ticket, groupId: "g", members: [{ memberId, instanceId }] });
      }
      case "commit": {
        const partitions = [{ partition: amount % PARTITIONS, offset: ticket, leaderEpoch: -1, metadata: null }];
        const topics = [{ topic: "t", topicId: ZERO_UUID, partitions }];
        return this.step(which, { kind: "commit", ticket, ...fence, knowsGroupIdNotFound: true, retentionMs: -1, topics });
      }
      case "advance":
        return this.advance(amount);
      case "settle":
        return this.settle(null);
      case "fail":
        return this.settle("COORDINATOR_NOT_AVAILABLE");
      case "failover":
        return this.failover();
    }
  }

  step(client: number, command: Command & { readonly ticket: number }): void {
    this.open.set(command.ticket, { command, client });
    // A commit that is accepted belongs to the newest generation that anybody knows of, or comes from outside while nobody is inside.
    const newestBefore = this.newestGeneration;
    const held = this.held.length;
    this.perform(this.machine.step(command, this.now));
    if (command.kind !== "commit" || this.held.length === held) return;
    if (command.generation < 0) expect(this.machine.describe("g")?.members ?? []).toEqual([]);
    else expect(command.generation).toBeGreaterThanOrEqual(newestBefore);
  }

  advance(byMs: number): void {
    const end = this.now.mono + byMs;
    while (this.wakeAt !== null && this.wakeAt <= end) {
      this.now = { mono: Math.max(this.wakeAt, this.now.mono), wall: this.now.wall + Math.max(this.wakeAt - this.now.mono, 0) };
      this.perform(this.machine.tick(this.now));
    }
    this.now = { mono: end, wall: this.now.wall + end - this.now.mono };
  }

  settle(error: KafkaErrorName | null): void {
    const append = this.held.shift();
    if (append === undefined) return;
    if (error === null) this.commitToLog(append.records);
    this.perform(this.machine.appended(append.token, error, this.now));
    for (const [partition, offset] of this.committed) expect(this.machine.committed("g", "t", partition)?.offset).toBe(offset);
  }

  commitToLog(records: readonly GroupRecord[]): void {
    for (const record of records) {
      this.log.push(record);
      if (record.kind === "offset" && record.value !== null) this.committed.set(record.partition, record.value.offset);
    }
  }

  /** The coordinator moves: what was durable is read back, everything else is lost, and so are the answers. */
  failover(): void {
    const fresh = new GroupsMachine({ ...SETTINGS, maxSize: 4, initialRebalanceDelayMs: 100 });
    for (const record of this.log) fresh.replay(record);
    this.machine = fresh;
    this.held = [];
    this.open.clear();
    // Generations that were not durable may come again, with other members.
    this.newestGeneration = -1;
    this.handedOut.clear();
    this.perform(fresh.loaded(this.now));
    for (const [partition, offset] of this.committed) expect(fresh.committed("g", "t", partition)?.offset).toBe(offset);
  }

  perform(effects: Effects): void {
    this.wakeAt = effects.wakeAt;
    if (effects.append !== null) this.held.push(effects.append);
    for (const { ticket, reply } of effects.replies) this.answered(ticket, reply);
  }

  answered(ticket: number, reply: Reply): void {
    const asked = this.open.get(ticket);
    // Exactly one answer each.
    expect(asked).toBeDefined();
    this.open.delete(ticket);
    const client = this.clients[asked!.client]!;
    if ("skipAssignment" in reply) {
      if (reply.error === "MEMBER_ID_REQUIRED") client.memberId = reply.memberId;
      if (reply.error === "UNKNOWN_MEMBER_ID") client.memberId = "";
      if (reply.error !== "NONE") return;
      client.memberId = reply.memberId;
      client.generation = reply.generation;
      client.leads = reply.leader === reply.memberId && !reply.skipAssignment;
      client.members = reply.members.map(({ memberId }) => memberId);
      this.newestGeneration = Math.max(this.newestGeneration, reply.generation);
      seen.generations = Math.max(seen.generations, reply.generation);
    } else if ("assignment" in reply && asked!.command.kind === "sync" && reply.error === "NONE" && reply.assignment.length > 0) {
      const { memberId, generation, instanceId } = asked!.command;
      const [attempt = "", partition = ""] = text.decode(reply.assignment).split(":");
      const given = this.handedOut.get(generation) ?? { attempt, owners: new Map<string, string>() };
      this.handedOut.set(generation, given);
      expect(given.attempt).toBe(attempt);
      expect(attempt).toEndWith(` of ${generation}`);
      // A static member that was replaced is the same owner under another id.
      const owner = instanceId ?? memberId;
      expect(given.owners.get(partition) ?? owner).toBe(owner);
      given.owners.set(partition, owner);
      seen.owners = Math.max(seen.owners, given.owners.size);
    }
  }
}

const operation: fc.Arbitrary<Operation> = fc.tuple(
  fc.constantFrom(
    ...["join", "join", "join", "sync", "sync", "sync", "heartbeat", "heartbeat", "commit", "commit", "commit"],
    ...[
      "settle",
      "settle",
      "settle",
      "settle",
      "settle",
      "advance",
      "advance",
      "round",
      "round",
      "leave",
      "restartClient",
      "fail",
      "failover",
    ],
  ),
  fc.nat(CLIENTS - 1),
  fc.nat(4_000),
);

test("GroupsMachine under churn: one owner per partition and generation, commits fenced and never lost, every question answered once", () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 200, size: "max" }), (operations) => {
      const churn = new Churn();
      for (const each of operations) churn.run(each);
      seen.commits = Math.max(seen.commits, churn.committed.size);
      // Nobody says anything more: writes settle, timers run out, and nothing is left waiting.
      for (let i = 0; i < 40 && (churn.held.length > 0 || churn.wakeAt !== null || churn.open.size > 0); i++) {
        while (churn.held.length > 0) churn.settle(null);
        churn.advance(60_000);
      }
      expect([...churn.open.values()].map(({ command }) => command.kind)).toEqual([]);
      expect(churn.machine.describe("g")?.members ?? []).toEqual([]);
      expect(churn.wakeAt).toBeNull();
    }),
    { numRuns: 300 },
  );
  expect(seen.generations).toBeGreaterThan(5);
  expect(seen.owners).toBeGreaterThan(2);
  expect(seen.commits).toBe(PARTITIONS);
});

test("GroupsMachine lets 10,000 members vanish at once and is left without timers", () => {
  const machine = new GroupsMachine(SETTINGS);
  const protocols = [{ name: "range", metadata: subscription(["t"]) }];
  let wakeAt: number | null = null;
  for (let i = 0; i < 10_000; i++) {
    const command = {
      kind: "join",
      ticket: i,
      groupId: "g",
      memberId: "",
      instanceId: null,
      clientId: "c",
      clientHost: "/127.0.0.1",
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      protocolType: "consumer",
      protocols,
      newMemberId: `m${i}`,
      requireKnownMemberId: false,
      canSkipAssignment: false,
    } as const;
    ({ wakeAt } = machine.step(command, { mono: 0, wall: 0 }));
  }
  const joined = machine.tick({ mono: wakeAt!, wall: 0 });
  expect(joined.replies.length).toBe(10_000);
  expect(machine.describe("g")!.members.length).toBe(10_000);
  let last = joined;
  let steps = 0;
  while (last.wakeAt !== null) {
    last = machine.tick({ mono: last.wakeAt, wall: last.wakeAt });
    steps++;
  }
  expect(machine.describe("g")).toMatchObject({ state: "Empty", members: [] });
  expect(steps).toBeLessThan(5);
});
