/** `barnabas cluster producers`. Source: KIP-664. */
import { command } from "../declare.ts";
import { explained } from "../errors.ts";
import { CommandFailed } from "../exit.ts";
import { chosenPartitions } from "../partitions.ts";
import { timeText } from "../values.ts";

export const producers = command({
  name: "producers",
  summary: "show the idempotent producers that partitions remember",
  connects: true,
  json: "an array of topic, partition, producerId, producerEpoch, lastSequence, lastTimestamp, currentTransactionStart",
  flags: {},
  arguments: { topics: { label: "TOPIC[:PARTITIONS]", help: "orders, or orders:0,3-5", many: true, completes: "topic" } },
  examples: [{ command: "barnabas cluster producers orders", does: "who wrote there lately, and open transactions" }],
  async run({ clients, out }, { args }) {
    const admin = await clients.admin();
    const found = await admin.describeProducers(await chosenPartitions(admin, "TOPIC", args.topics));
    const rows = found.flatMap((one) => one.ok ? one.value.map((state) => ({ topic: one.topic, partition: one.partition, ...state })) : []);
    await out.result(rows, () =>
      out.table(
        [
          { title: "TOPIC" },
          { title: "PARTITION", align: "right" },
          { title: "PRODUCER", align: "right" },
          { title: "EPOCH", align: "right" },
          { title: "SEQUENCE", align: "right" },
          { title: "LAST WRITE" },
          { title: "TRANSACTION FROM", align: "right" },
        ],
        rows.map((row) => [
          row.topic,
          row.partition,
          row.producerId,
          row.producerEpoch,
          row.lastSequence,
          timeText(row.lastTimestamp),
          row.currentTransactionStart < 0 ? null : row.currentTransactionStart,
        ]),
      ));
    for (const one of found) if (!one.ok) out.error(explained(one.error));
    if (found.some(({ ok }) => !ok)) throw new CommandFailed("");
  },
});
