/**
 * OffsetDelete, version 0: forgets single offsets of a group (KIP-496).
 * - Topics and partitions must exist; what the group is reading is GROUP_SUBSCRIBED_TO_TOPIC; an offset that is not there is fine.
 * - An error of the group stands on top, without rows.
 */
import { errorCode, type KafkaErrorName, OffsetDelete, type OffsetDeleteRequest, type OffsetDeleteResponse } from "../../protocol/mod.ts";
import { groupWriteError } from "../error_mapping.ts";
import { handler } from "../handler.ts";

export const offsetDelete = handler<OffsetDeleteRequest, OffsetDeleteResponse>({
  api: OffsetDelete,

  async handle(request, { services, deadline }) {
    const exists = (topic: string, partition: number) =>
      partition >= 0 && partition < (services.controller.image.topics.get(topic)?.partitions.length ?? 0);
    const topics = request.topics.map(({ name, partitions }) => ({
      topic: name,
      partitions: partitions.map(({ partitionIndex }) => partitionIndex).filter((partition) => exists(name, partition)),
    }));
    const reply = await services.groups.deleteOffsets({ groupId: request.groupId, topics }, deadline);
    if (reply.error !== "NONE") return { errorCode: errorCode(groupWriteError(reply.error)), topics: [] };
    return {
      errorCode: 0,
      topics: request.topics.map(({ name, partitions }, i) => {
        const errors = new Map<number, KafkaErrorName>(reply.topics[i]?.partitions.map(({ partition, error }) => [partition, error]));
        return {
          name,
          partitions: partitions.map(({ partitionIndex }) => ({
            partitionIndex,
            errorCode: errorCode(errors.get(partitionIndex) ?? "UNKNOWN_TOPIC_OR_PARTITION"),
          })),
        };
      }),
    };
  },

  refuse: (_request, error) => ({ errorCode: errorCode(error), topics: [] }),
});
