/**
 * Our consumer in one group with other people's: with kafkajs, and with the Java client under each of its assignors; each leads for a while.
 * On the built executable and on Apache Kafka 4.3.1, as in `barnabas_client_compat.ts`. Transactions, which Barnabas refuses, on Kafka only.
 */
import { beforeAll, expect, test } from "bun:test";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { openAdmin, openConsumer, openProducer } from "../../../lib/client/mod.ts";
import type { Assignor, ConsumerApi, ConsumerOptions } from "../../../lib/client/mod.ts";
import { fresh } from "../support/broker.ts";
import { KAFKA, onEachCluster } from "../support/clusters.ts";
import { javaTools, nodePackage } from "../support/install.ts";
import { mustRun } from "../support/process.ts";
import { io, soon, topicFor } from "./scenarios/support.ts";

/** Another client's member: a process that prints a JSON line for everything that happens to it. */
interface Stranger {
  readonly partitions: ReadonlySet<number>;
  readonly records: number;
  leave(): Promise<void>;
}

type Event = { assigned?: number[]; name?: string; partitions?: { partition: number }[]; value?: string; count?: number; crash?: string };

function stranger(
  command: readonly string[],
  env: Record<string, string>,
  end: (child: Bun.Subprocess<"pipe", "pipe", "inherit">) => void,
): Stranger {
  const child = Bun.spawn([...command], { env: { ...process.env, ...env }, stdin: "pipe", stdout: "pipe", stderr: "inherit" });
  const seen = { partitions: new Set<number>(), records: 0 };
  const onEvent = ({ assigned, name, partitions = [], value, count = 0, crash }: Event) => {
    if (crash) throw new Error(crash);
    if (assigned) seen.partitions = new Set(assigned);
    if (value !== undefined) seen.records++;
    if (name === "records_consumed") seen.records += count;
    for (const { partition } of partitions) {
      if (name === "partitions_assigned") seen.partitions.add(partition);
      if (name === "partitions_revoked") seen.partitions.delete(partition);
    }
  };
  void (async () => {
    let rest = "";
    for await (const chunk of child.stdout) {
      const lines = (rest + new TextDecoder().decode(chunk)).split("\n");
      rest = lines.pop()!;
      for (const line of lines) if (line.startsWith("{")) onEvent(JSON.parse(line) as Event);
    }
  })();
  return {
    get partitions() {
      return seen.partitions;
    },
    get records() {
      return seen.records;
    },
    async leave() {
      end(child);
      await child.exited;
    },
  };
}

const STRATEGIES: Readonly<Record<Assignor, string>> = {
  "range": "RangeAssignor",
  "roundrobin": "RoundRobinAssignor",
  "sticky": "StickyAssignor",
  "cooperative-sticky": "CooperativeStickyAssignor",
};
const PARTITIONS = 6;

onEachCluster((bootstrap, cluster) => {
  let kafkajs: string;
  let classPath: string;
  beforeAll(async () => {
    kafkajs = await nodePackage("kafkajs");
    await cp(join(import.meta.dir, "kafkajs_member.mjs"), join(kafkajs, "kafkajs_member.mjs"));
    classPath = await javaTools();
  }, 600_000);

  const open = (options: Partial<ConsumerOptions>): ConsumerApi =>
    openConsumer(io, { bootstrapServers: bootstrap(), autoOffsetReset: "earliest", heartbeatIntervalMs: 200, ...options });

  /** Ours alone, both, theirs alone, both: leadership goes from one to the other and nothing is read twice or left. */
  async function share(assignors: readonly Assignor[], join: (topic: string, groupId: string) => Stranger): Promise<void> {
    await using admin = openAdmin(io, { bootstrapServers: bootstrap() });
    await using producer = openProducer(io, { bootstrapServers: bootstrap() });
    const { name: topic } = await topicFor(admin, "mixed", PARTITIONS);
    const groupId = fresh("mixed");
    let [ours, sent] = [0, 0];
    const send = async () => {
      await producer.sendAll(Array.from({ length: 60 }, (_, i) => ({ topic, partition: i % PARTITIONS, value: `${sent + i}` })));
      sent += 60;
    };
    const until = async (consumer: ConsumerApi | null, what: string, done: () => boolean) => {
      const deadline = soon(60_000);
      while (!done()) {
        if (io.clock.mono() > deadline.at) {
          const held = consumer?.assignment.map(({ partition }) => partition).join();
          throw new Error(
            `Waited in vain until ${what}: ours has ${held} and read ${ours}, theirs ${
              [...theirs.partitions].join()
            } and ${theirs.records}`,
          );
        }
        if (consumer !== null) ours += (await consumer.poll(50)).length;
        else await new Promise<void>((resolve) => io.timers.after(50, resolve));
      }
    };
    const isShared = (consumer: ConsumerApi) => {
      const all = [...consumer.assignment.map(({ partition }) => partition), ...theirs.partitions];
      return consumer.assignment.length === PARTITIONS / 2 && all.length === PARTITIONS && new Set(all).size === PARTITIONS;
    };
    const options = { groupId, assignors, autoCommitIntervalMs: 100 };
    const first = open(options);
    first.subscribe([topic]);
    await send();
    await until(first, "ours reads alone", () => first.assignment.length === PARTITIONS && ours === sent);
    const theirs = join(topic, groupId);
    try {
      await until(first, "both share, ours leads", () => isShared(first));
      await send();
      await until(first, "both have read", () => ours + theirs.records === sent);
      await first.poll(0);
      await first.close();
      await until(null, "theirs has all", () => theirs.partitions.size === PARTITIONS);
      await send();
      await until(null, "theirs reads alone", () => ours + theirs.records === sent);
      const second = open(options);
      second.subscribe([topic]);
      await until(second, "both share, theirs leads", () => isShared(second));
      await send();
      await until(second, "both have read again", () => ours + theirs.records === sent);
      await theirs.leave();
      await until(second, "ours has all again", () => second.assignment.length === PARTITIONS);
      await send();
      await until(second, "ours reads alone again", () => ours + theirs.records === sent);
      await second.close();
    } finally {
      await theirs.leave();
    }
  }

  test("a group with kafkajs", () =>
    share(["roundrobin"], (topic, groupId) =>
      stranger(
        ["node", join(kafkajs, "kafkajs_member.mjs")],
        { BOOTSTRAP: bootstrap(), TOPIC: topic, GROUP: groupId },
        (child) => void child.stdin.end(),
      )), 180_000);

  for (const [assignor, strategy] of Object.entries(STRATEGIES)) {
    test(`a group with the Java client under ${assignor}`, () =>
      share([assignor as Assignor], (topic, groupId) =>
        stranger(
          [
            ...["java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-cp", classPath, "org.apache.kafka.tools.VerifiableConsumer"],
            ...["--bootstrap-server", bootstrap(), "--topic", topic, "--group-id", groupId, "--reset-policy", "earliest"],
            ...["--assignment-strategy", `org.apache.kafka.clients.consumer.${strategy}`],
          ],
          {},
          (child) => child.kill("SIGTERM"),
        )), 180_000);
  }

  if (cluster !== KAFKA) return;
  test("records of aborted transactions are for readers of uncommitted ones only", async () => {
    await using admin = openAdmin(io, { bootstrapServers: bootstrap() });
    const { name: topic } = await topicFor(admin, "transactions", 1);
    const env = { BOOTSTRAP: bootstrap(), TOPIC: topic, GROUP: fresh("transactions"), ISOLATION: "write" };
    await mustRun(["node", join(kafkajs, "kafkajs_member.mjs")], { env });
    const at = { topic, partition: 0 };
    for (const isolation of ["read_committed", "read_uncommitted"] as const) {
      await using reader = open({ isolation });
      reader.assign([at]);
      const values: string[] = [];
      // Two records and a marker for each of the six transactions.
      for (const deadline = soon(); reader.position(at) !== 18;) {
        expect(io.clock.mono()).toBeLessThan(deadline.at);
        values.push(...(await reader.poll(100)).map(({ value }) => new TextDecoder().decode(value!)));
      }
      const fates = isolation === "read_committed" ? ["committed"] : ["committed", "aborted"];
      const expected = [0, 1, 2, 3, 4, 5].flatMap((i) => {
        const fate = i % 2 === 0 ? "committed" : "aborted";
        return fates.includes(fate) ? [`${fate} ${i} a`, `${fate} ${i} b`] : [];
      });
      expect(values).toEqual(expected);
      expect(reader.lag(at)).toBe(0);
    }
  }, 60_000);
});
