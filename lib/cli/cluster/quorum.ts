/** `barnabas cluster quorum`. Source: KIP-595, KIP-836. */
import type { QuorumVoter } from "../../client/mod.ts";
import { command } from "../declare.ts";
import { timeText } from "../values.ts";

export const quorum = command({
  name: "quorum",
  summary: "show who leads the metadata and how far the others are",
  connects: true,
  json: "leaderId, leaderEpoch, highWatermark, voters, observers",
  flags: {},
  arguments: {},
  examples: [{ command: "barnabas cluster quorum", does: "leader, voters and their lag" }],
  async run({ clients, out }) {
    const admin = await clients.admin();
    const found = await admin.describeQuorum();
    const leaderEnd = found.voters.find(({ id }) => id === found.leaderId)?.logEndOffset ?? found.highWatermark;
    const row = (role: string) => ({ id, logEndOffset, lastFetchTimestamp, lastCaughtUpTimestamp }: QuorumVoter) => [
      id,
      id === found.leaderId ? "leader" : role,
      logEndOffset,
      logEndOffset < 0 ? null : Math.max(0, leaderEnd - logEndOffset),
      timeText(lastFetchTimestamp),
      timeText(lastCaughtUpTimestamp),
    ];
    await out.result(found, () =>
      [
        out.fields([["Leader", found.leaderId], ["Epoch", found.leaderEpoch], ["High watermark", found.highWatermark]]),
        out.table(
          [
            { title: "NODE", align: "right" },
            { title: "ROLE" },
            { title: "END", align: "right" },
            { title: "LAG", align: "right" },
            { title: "LAST FETCH" },
            { title: "LAST CAUGHT UP" },
          ],
          [...found.voters.map(row("voter")), ...found.observers.map(row("observer"))],
        ),
      ].join("\n"));
  },
});
