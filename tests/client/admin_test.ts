/** What an admin makes of answers that lag behind, against a cluster that is made up. */
import { expect, test } from "bun:test";
import { openAdmin } from "../../lib/client/mod.ts";
import { FakeCluster } from "./consumer/fake_cluster.ts";
import { io } from "./setup.ts";

const [EARLIER, THIS] = ["ZWFybGllci10b3BpYy1pZA", "dGhpcy1vbmUtdG9waWNpZA"] as const;

/** Its metadata still has an earlier topic of the name for some looks. */
class LateCluster extends FakeCluster {
  override async topics(names: readonly string[]) {
    const found = await super.topics(names);
    const topicId = this.topicsAsked > 3 ? THIS : EARLIER;
    return new Map([...found].map(([name, view]) => [name, view instanceof Error ? view : { ...view, topicId }]));
  }
}

test("a topic that was made anew is seen when the metadata has it, not the one before", async () => {
  const cluster = new LateCluster(1);
  cluster.on["CreateTopics"] = () => ({
    topics: [{ name: "t", topicId: THIS, errorCode: 0, errorMessage: null, numPartitions: 1, replicationFactor: 1, configs: [] }],
  });
  await using admin = openAdmin(io, { bootstrapServers: "fake:1" }, cluster);
  const outcome = (await admin.createTopics([{ name: "t", partitions: 1, replicationFactor: 1 }])).get("t");
  expect(outcome).toMatchObject({ ok: true, value: { topicId: THIS, partitions: [{ leader: 1 }] } });
  expect(cluster.topicsAsked).toBe(4);
});
