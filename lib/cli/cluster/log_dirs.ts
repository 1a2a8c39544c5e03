/** `barnabas cluster log-dirs`. */
import { command } from "../declare.ts";
import { explained } from "../errors.ts";
import { CommandFailed } from "../exit.ts";
import { errorJson } from "../outcomes.ts";
import { sizeText } from "../values.ts";

export const logDirs = command({
  name: "log-dirs",
  summary: "show the disks of the brokers and what lies on them",
  connects: true,
  json: "an array of node, path, totalBytes, usableBytes, replicas (topic, partition, sizeBytes, offsetLag, isFuture)",
  flags: { "replicas": { type: "boolean", help: "each partition's size instead of each disk's" } },
  arguments: {},
  examples: [
    { command: "barnabas cluster log-dirs", does: "how full the disks are" },
    { command: "barnabas cluster log-dirs --replicas", does: "the largest partitions first" },
  ],
  async run({ clients, out }, { flags }) {
    const admin = await clients.admin();
    const found = (await admin.describeLogDirs()).toSorted((a, b) => a.node - b.node);
    const size = (bytes: number) => bytes < 0 ? null : sizeText(bytes);
    const disks = () =>
      out.table(
        [
          { title: "BROKER", align: "right" },
          { title: "PATH" },
          { title: "TOTAL", align: "right" },
          { title: "FREE", align: "right" },
          { title: "REPLICAS", align: "right" },
          { title: "SIZE", align: "right" },
        ],
        found.map(({ node, path, totalBytes, usableBytes, replicas }) => [
          node,
          path,
          size(totalBytes),
          size(usableBytes),
          replicas.length,
          sizeText(replicas.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)),
        ]),
      );
    const replicas = () =>
      out.table(
        [{ title: "TOPIC" }, { title: "PARTITION", align: "right" }, { title: "BROKER", align: "right" }, {
          title: "SIZE",
          align: "right",
        }],
        found.flatMap(({ node, replicas }) => replicas.map((replica) => ({ node, ...replica })))
          .toSorted((a, b) => b.sizeBytes - a.sizeBytes)
          .map(({ topic, partition, node, sizeBytes }) => [topic, partition, node, sizeText(sizeBytes)]),
      );
    await out.result(
      found.map(({ error, ...dir }) => error === null ? dir : { ...dir, ...errorJson(error) }),
      flags.replicas ? replicas : disks,
    );
    for (const { error } of found) if (error !== null) out.error(explained(error));
    if (found.some(({ error }) => error !== null)) throw new CommandFailed("");
  },
});
