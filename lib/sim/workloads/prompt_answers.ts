/**
 * When everything is well, who waits in the broker is answered when that happens for which he waits, and long before his own timeout: a fetch by the
 * next record, a produce by the disk, a member by the others. A waiter whom nobody wakes would only be late, and clients with retries hide it.
 */
import {
  DescribeGroups,
  Fetch,
  FindCoordinator,
  type Infer,
  JoinGroup,
  LeaveGroup,
  ListOffsets,
  Produce,
  SyncGroup,
} from "../../protocol/mod.ts";
import type { Client } from "./client.ts";
import { knob } from "./knobs.ts";
import { FETCH_BY_NAME_MAX, fetchRequest, PRODUCE_BY_NAME_MAX, produceRequest, sawRecords, toldByProduce } from "./plain_requests.ts";
import { valueOf } from "./values.ts";
import { WireConnection } from "./wire.ts";

/** What they say how long they would wait. */
const PATIENCE_MS = 70_000;
/** Well below, and more than disks and links take that are only slow. */
const PROMPT_MS = 20_000;
const DIAL_MS = 10_000;
/** So that a request has surely come to wait. */
const PARKED_MS = 1_500;
const LATEST = -1;
const JOIN_AT_ONCE = 3;
const SYNC = 3;
const PROTOCOL = "range";
const MEMBERS = 3;
/** The shortest that brokers take. */
const SESSION_MS = 6_000;
const LOOK_MS = 2_000;
/** Of a broker that hangs up on everybody who thinks for a moment nothing can be said. */
const TRIES_MAX = 5;
/** A broker may take few new connections a second. */
const BETWEEN_MS = 400;

/** @param group of nobody else. */
export async function answersInTime(client: Client, topic: string, group: string): Promise<void> {
  const partitions = knob(client.context, "partitions");
  await someTries(client, (dial) => fetchIsWoken(client, dial, topic, client.draws.below(partitions)));
  // What a try left behind is not waited for.
  await someTries(client, (dial, at) => membersAreWoken(client, dial, `${group}${at}`));
  await someTries(client, (dial, at) => sessionEnds(client, dial, `${group}-silent${at}`));
}

async function someTries(client: Client, attempt: (dial: Dial, at: number) => Promise<boolean>): Promise<void> {
  for (let at = 1; at <= TRIES_MAX; at++) if (await withConnections(client, (dial) => attempt(dial, at))) return;
  client.context.world.mark("sim.pipeline.never_answered");
}

type Dial = () => Promise<WireConnection | null>;

/** @param use dials when it has something to say: who is silent may be hung up on. @returns what it says, after a pause when it is false. */
async function withConnections(client: Client, use: (dial: Dial) => Promise<boolean>): Promise<boolean> {
  const [host, port] = client.context.bootstrap[0]!.split(":");
  const opened: WireConnection[] = [];
  const done = await use(async () => {
    const name = `${client.name}-${opened.length}`;
    const connection = await WireConnection.open(client, { host: host!, port: Number(port) }, name, DIAL_MS);
    if (connection !== null) opened.push(connection);
    return connection;
  });
  for (const connection of opened) connection.close();
  if (!done) await client.sleep(500);
  return done;
}

/** A violation when it does not come in time. */
async function promptly<T>(client: Client, what: string, answer: Promise<T>): Promise<T> {
  let isLate = true;
  client.io.timers.after(PROMPT_MS, () => {
    if (isLate) client.world.fail(`waiter lost: ${what} was not answered within ${PROMPT_MS} ms, although nothing was wrong any more`);
  });
  const given = await answer;
  isLate = false;
  return given;
}

/** False when something was refused, and nothing follows from it. */
async function fetchIsWoken(client: Client, dial: Dial, topic: string, partition: number): Promise<boolean> {
  const waiting = await dial();
  if (waiting === null) return false;
  const latest = { name: topic, partitions: [{ partitionIndex: partition, timestamp: LATEST }] };
  const end = (await promptly(client, "ListOffsets", waiting.ask(ListOffsets, 1, { replicaId: -1, topics: [latest] })))?.topics[0]
    ?.partitions[0];
  if (end?.errorCode !== 0) return false;
  const askedAt = client.world.now;
  const request = fetchRequest(topic, partition, end.offset, { maxWaitMs: PATIENCE_MS, minBytes: 1, bytesMax: 100_000 });
  const fetched = waiting.ask(Fetch, FETCH_BY_NAME_MAX, request);
  await client.sleep(PARKED_MS);
  const producing = await dial();
  if (producing === null) return false;
  const produced = Array.from({ length: 1 + client.draws.below(6) }, (_, at) => produce(client, producing, topic, partition, at));
  if (await promptly(client, "a produce", allOrNone(produced)) === null) return false;
  const row = (await promptly(client, "a fetch that a record came for", fetched))?.responses[0]?.partitions[0];
  if (row?.errorCode !== 0 || row.records === null) return false;
  return sawRecords(client, { topic, partition, offset: end.offset, isKept: true }, row.records, askedAt) !== null;
}

/** Without waiting for the one before. */
async function produce(client: Client, connection: WireConnection, topic: string, partition: number, at: number): Promise<number | null> {
  const mark = client.context.nextMark();
  const event = { kind: "produced", topic, partition, mark, idempotent: false } as const;
  const tell = client.asks((asked) => ({ ...asked, ...event, told: "unknown", offset: -1 }));
  const request = produceRequest(client, topic, partition, valueOf(mark, 20), at % 2 === 0 ? -1 : 1, PATIENCE_MS);
  const reply = await connection.ask(Produce, PRODUCE_BY_NAME_MAX, request);
  const [told, offset] = reply === null ? ["unknown" as const, -1] : toldByProduce(reply);
  tell((asked) => ({ ...asked, ...event, told, offset }));
  return told === "ok" ? offset : null;
}

interface Member {
  readonly connection: WireConnection;
  readonly memberId: string;
  readonly joined: Infer<typeof JoinGroup.response>;
}

/** Some members, one after the other: joins are answered by the last member's join, syncs by the leader's. */
async function membersAreWoken(client: Client, dial: Dial, groupId: string): Promise<boolean> {
  let members: readonly Member[] = [];
  while (members.length < MEMBERS) {
    // The newcomer is the first one: the others come when it waits for them.
    const joins: Promise<Member | null>[] = [];
    const memberIds = ["", ...members.map(({ memberId }) => memberId)];
    for (const memberId of memberIds) {
      const connection = await dial();
      if (connection === null || !await isCoordinated(client, connection, groupId)) return false;
      joins.push(join(connection, groupId, memberId, { together: memberIds.length, after: members[0]?.joined.generationId ?? 0 }));
      await client.sleep(BETWEEN_MS);
    }
    const joined = await promptly(client, "a JoinGroup", allOrNone(joins));
    if (joined === null) return false;
    members = joined;
    if (!await areSynced(client, dial, groupId, members)) return false;
  }
  for (const { connection, memberId } of members) await connection.ask(LeaveGroup, 2, { groupId, memberId });
  return true;
}

/** A member that says nothing any more is out when its session is over, also where nobody asks for a rebalance. */
async function sessionEnds(client: Client, dial: Dial, groupId: string): Promise<boolean> {
  const connection = await dial();
  if (connection === null || !await isCoordinated(client, connection, groupId)) return false;
  const member = await promptly(client, "a JoinGroup", join(connection, groupId, "", { together: 1, after: 0 }, SESSION_MS));
  if (member === null || !await areSynced(client, dial, groupId, [member])) return false;
  await promptly(client, "the end of a session", untilEmpty(client, dial, groupId));
  return true;
}

async function untilEmpty(client: Client, dial: Dial, groupId: string): Promise<void> {
  for (;;) {
    await client.sleep(LOOK_MS);
    const connection = await dial();
    const group = (await connection?.ask(DescribeGroups, 4, { groups: [groupId] }))?.groups[0];
    connection?.close();
    if (group?.errorCode === 0 && (group.groupState === "Empty" || group.groupState === "Dead")) return;
  }
}

async function isCoordinated(client: Client, connection: WireConnection, groupId: string): Promise<boolean> {
  return (await promptly(client, "FindCoordinator", connection.ask(FindCoordinator, 2, { key: groupId, keyType: 0 })))?.errorCode === 0;
}

/** @param wanted how many come together, after which generation; null also when one was on its way for so long that the others began without it. */
async function join(
  connection: WireConnection,
  groupId: string,
  memberId: string,
  wanted: { readonly together: number; readonly after: number },
  sessionTimeoutMs = PATIENCE_MS,
): Promise<Member | null> {
  const joined = await connection.ask(JoinGroup, JOIN_AT_ONCE, {
    ...{ groupId, sessionTimeoutMs, rebalanceTimeoutMs: PATIENCE_MS, memberId, protocolType: "consumer" },
    protocols: [{ name: PROTOCOL, metadata: new Uint8Array(0) }],
  });
  if (joined?.errorCode !== 0 || joined.generationId <= wanted.after) return null;
  const isIncomplete = joined.leader === joined.memberId && joined.members.length !== wanted.together;
  return !isIncomplete ? { connection, memberId: joined.memberId, joined } : null;
}

/** The leader comes last: the others wait for it. */
async function areSynced(client: Client, dial: Dial, groupId: string, members: readonly Member[]): Promise<boolean> {
  const sync = async ({ connection, memberId, joined: { generationId } }: Member, assignments: Assignments) =>
    (await connection.ask(SyncGroup, SYNC, { groupId, generationId, memberId, assignments }))?.errorCode === 0 ? memberId : null;
  const leader = members.find(({ memberId, joined }) => joined.leader === memberId);
  if (leader === undefined) return false;
  const others = members.filter((member) => member !== leader).map((member) => sync(member, []));
  await client.sleep(PARKED_MS);
  const connection = await dial();
  if (connection === null) return false;
  const assignments = members.map(({ memberId }) => ({ memberId, assignment: new Uint8Array(0) }));
  const synced = allOrNone([sync({ ...leader, connection }, assignments), ...others]);
  return await promptly(client, "a SyncGroup", synced) !== null;
}

/** Null as soon as one of them is: the others may wait for it for long then. */
function allOrNone<T>(answers: readonly Promise<T | null>[]): Promise<readonly T[] | null> {
  return new Promise((resolve) => {
    const given: T[] = [];
    for (const answer of answers) {
      void answer.then((one) => {
        if (one === null) resolve(null);
        else if (given.push(one) === answers.length) resolve(given);
      });
    }
  });
}

type Assignments = { readonly memberId: string; readonly assignment: Uint8Array }[];
