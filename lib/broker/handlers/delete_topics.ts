/**
 * DeleteTopics, versions 1-6: by name, from v6 on also by id (KIP-516). One entry for the whole request.
 * - A topic asked for twice, or by name and id, is INVALID_REQUEST; so is a row that has both.
 * - The reply leaves when the topics are gone from the metadata; their files go in the background.
 */
import {
  DeleteTopics,
  type DeleteTopicsRequest,
  type DeleteTopicsResponse,
  errorCode,
  type KafkaErrorName,
  type Uuid,
  ZERO_UUID,
} from "../../protocol/mod.ts";
import { handler } from "../handler.ts";

type Asked = DeleteTopicsRequest["topics"][number];
type ResponseRow = DeleteTopicsResponse["responses"][number];

export const deleteTopics = handler<DeleteTopicsRequest, DeleteTopicsResponse>({
  api: DeleteTopics,
  budgetMs: ({ timeoutMs }) => timeoutMs,

  async handle(request, { services, deadline, apiVersion }) {
    if (!services.settings.deleteTopicEnable) {
      // Before v3 clients do not know the code.
      const error = apiVersion < 3 ? "INVALID_REQUEST" : "TOPIC_DELETION_DISABLED";
      return this.refuse(request, error, 'Cannot delete topics: "delete.topic.enable" is false');
    }
    const { image } = services.controller;
    const responses: ResponseRow[] = [];
    const asked = distinct(askedTopics(request), responses, (id) => image.topicById(id)?.name ?? null);
    const rows = asked.length === 0 ? [] : await services.controller.deleteTopics(asked, deadline);
    for (const [at, row] of rows.entries()) {
      const key = asked[at]!;
      if (row.ok) responses.push({ name: row.value.name, topicId: row.value.topicId, errorCode: 0 });
      else responses.push(errorRow("name" in key ? key.name : null, "topicId" in key ? key.topicId : ZERO_UUID, row.error, row.message));
    }
    return { responses };
  },

  refuse: (request, error, message) => ({
    responses: askedTopics(request).map(({ name, topicId }) => errorRow(name, topicId, error, message)),
  }),
});

function askedTopics(request: DeleteTopicsRequest): readonly Asked[] {
  return request.topics.length > 0 ? request.topics : request.topicNames.map((name) => ({ name, topicId: ZERO_UUID }));
}

type Key = { readonly name: string } | { readonly topicId: Uuid };

/** Rows that can be tried; the others are answered into `responses`. */
function distinct(asked: readonly Asked[], responses: ResponseRow[], nameOf: (id: Uuid) => string | null): Key[] {
  const keyOf = ({ name, topicId }: Asked): string => name ?? nameOf(topicId) ?? `id ${topicId}`;
  // What a topic is called by, once by name and once by id perhaps: the row that refuses it says both.
  const called = new Map<string, { count: number; name: string | null; topicId: Uuid }>();
  for (const row of asked) {
    const as = called.get(keyOf(row));
    if (as === undefined) called.set(keyOf(row), { count: 1, ...row });
    else {
      as.count++;
      as.name ??= row.name;
      if (as.topicId === ZERO_UUID) as.topicId = row.topicId;
    }
  }
  return asked.flatMap((row): Key[] => {
    const { name, topicId } = row;
    const as = called.get(keyOf(row))!;
    if (name === null && topicId === ZERO_UUID) {
      responses.push(errorRow(name, topicId, "INVALID_REQUEST", "Cannot delete a topic that has neither name nor id"));
    } else if (name !== null && topicId !== ZERO_UUID) {
      responses.push(errorRow(name, topicId, "INVALID_REQUEST", "Cannot delete by name and id at once: give one of them"));
    } else if (as.count === 1) {
      return [name === null ? { topicId } : { name }];
    } else if (as.count > 1) {
      responses.push(errorRow(as.name, as.topicId, "INVALID_REQUEST", "Cannot delete a topic twice in one request"));
      as.count = 0; // Told once.
    }
    return [];
  });
}

function errorRow(name: string | null, topicId: Uuid, error: KafkaErrorName, errorMessage: string): ResponseRow {
  return { name, topicId, errorCode: errorCode(error), errorMessage };
}
