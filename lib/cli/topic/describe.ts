/** `barnabas topic describe`. */
import type { AdminApi, ConfigEntry, TopicView } from "../../client/mod.ts";
import { command } from "../declare.ts";
import { explained } from "../errors.ts";
import { CommandFailed } from "../exit.ts";
import { errorJson, inOrder, valueOf } from "../outcomes.ts";
import type { Output } from "../output.ts";
import { endsOf } from "../partitions.ts";

export const describe = command({
  name: "describe",
  summary: "show partitions, leaders, offsets and settings of topics",
  connects: true,
  json: "an array of name, topicId, isInternal, partitions with their leaders, replicas and offsets, and configs",
  flags: {},
  arguments: { names: { label: "TOPIC", help: "its name", many: true, completes: "topic" } },
  examples: [{ command: "barnabas topic describe orders", does: "partitions, leaders, offsets, and what was configured" }],
  async run({ clients, out }, { args }) {
    const admin = await clients.admin();
    const found = inOrder(args.names, await admin.describeTopics(args.names));
    const described = await Promise.all(
      found.map(async ([name, outcome]) => outcome.ok ? await details(admin, outcome.value) : { name, failed: outcome.error }),
    );
    await out.result(
      described.map((one) => "failed" in one ? { name: one.name, ...errorJson(one.failed) } : one),
      () => described.flatMap((one) => "failed" in one ? [] : [text(out, one)]).join("\n"),
    );
    for (const one of described) if ("failed" in one) out.error(explained(one.failed));
    if (described.some((one) => "failed" in one)) throw new CommandFailed("");
  },
});

interface Described {
  readonly name: string;
  readonly topicId: string;
  readonly isInternal: boolean;
  readonly partitions: readonly {
    readonly partition: number;
    readonly leader: number;
    readonly leaderEpoch: number;
    readonly replicas: readonly number[];
    readonly isr: readonly number[];
    readonly start: number | null;
    readonly end: number | null;
  }[];
  /** What differs from the defaults. */
  readonly configs: readonly Pick<ConfigEntry, "name" | "value" | "source">[];
}

async function details(admin: AdminApi, view: TopicView): Promise<Described> {
  const [ends, configs] = await Promise.all([
    endsOf(admin, view.partitions.map(({ partition }) => ({ topic: view.name, partition }))),
    admin.describeConfigs([{ type: "topic", name: view.name }]),
  ]);
  return {
    name: view.name,
    topicId: view.topicId,
    isInternal: view.isInternal,
    partitions: view.partitions.map(({ partition, leader, leaderEpoch, replicas, isr }, row) => {
      return { partition, leader, leaderEpoch, replicas, isr, ...ends[row]! };
    }),
    configs: configs.flatMap((outcome) => valueOf(outcome)).filter(({ source }) => source !== "default")
      .map(({ name, value, source }) => ({ name, value, source })),
  };
}

function text(out: Output, { name, topicId, isInternal, partitions, configs }: Described): string {
  return [
    out.fields([
      ["Topic", `${name}${isInternal ? " (internal)" : ""}`],
      ["Topic id", topicId],
      ["Configured", configs.map((config) => `${config.name}=${config.value ?? "(hidden)"}`).join(" ")],
    ]),
    out.table(
      [
        { title: "PARTITION", align: "right" },
        { title: "LEADER", align: "right" },
        { title: "EPOCH", align: "right" },
        { title: "REPLICAS" },
        { title: "IN SYNC" },
        { title: "START", align: "right" },
        { title: "END", align: "right" },
        { title: "RECORDS", align: "right" },
      ],
      partitions.map(({ partition, leader, leaderEpoch, replicas, isr, start, end }) => [
        partition,
        leader < 0 ? "none" : leader,
        leaderEpoch,
        replicas.join(","),
        isr.join(","),
        start,
        end,
        start === null || end === null ? null : end - start,
      ]),
    ),
  ].join("");
}
