/** `barnabas topic offsets`. */
import { command } from "../declare.ts";
import { chosenPartitions, endsOf, offsetsAt } from "../partitions.ts";
import { parsePlace, PLACE_FORM } from "../values.ts";

export const offsets = command({
  name: "offsets",
  summary: "show where partitions begin and end, and what lies at a time",
  connects: true,
  json: "an array of topic, partition, start, end, and at when it was asked for",
  flags: { "at": { type: "string", value: "PLACE", help: `also the offset there: ${PLACE_FORM}` } },
  arguments: { topics: { label: "TOPIC[:PARTITIONS]", help: "orders, or orders:0,3-5", many: true, completes: "topic" } },
  examples: [
    { command: "barnabas topic offsets orders", does: "first and next offset of each partition" },
    { command: "barnabas topic offsets orders:0 --at 1h", does: "the first record of the last hour" },
  ],
  async run({ clients, out, io }, { flags, args }) {
    const place = flags.at === null ? null : parsePlace("--at", flags.at, io.clock.wall());
    const admin = await clients.admin();
    const partitions = await chosenPartitions(admin, "TOPIC", args.topics);
    const [ends, at] = await Promise.all([endsOf(admin, partitions), place === null ? null : offsetsAt(admin, partitions, place)]);
    const rows = partitions.map((one, row) => ({ ...one, ...ends[row]!, ...(at === null ? {} : { at: at[row] ?? null }) }));
    await out.result(rows, () =>
      out.table(
        [
          { title: "TOPIC" },
          { title: "PARTITION", align: "right" },
          { title: "START", align: "right" },
          { title: "END", align: "right" },
          { title: "RECORDS", align: "right" },
          ...(at === null ? [] : [{ title: "AT", align: "right" } as const]),
        ],
        rows.map(({ topic, partition, start, end, at }) => [
          topic,
          partition,
          start,
          end,
          start === null || end === null ? null : end - start,
          ...(at === undefined ? [] : [at]),
        ]),
      ));
  },
});
