/**
 * CreatePartitions, versions 0-3: raises the number of partitions, one entry for the whole request (KIP-195).
 * - A topic named twice is INVALID_REQUEST, told once. `validateOnly` checks and writes nothing.
 * - The reply leaves when the new partitions are usable.
 */
import { CreatePartitions, type CreatePartitionsRequest, type CreatePartitionsResponse, errorCode } from "../../protocol/mod.ts";
import { handler } from "../handler.ts";
import { repeated } from "../repeated.ts";

export const createPartitions = handler<CreatePartitionsRequest, CreatePartitionsResponse>({
  api: CreatePartitions,
  budgetMs: ({ timeoutMs }) => timeoutMs,

  async handle(request, { services, deadline }) {
    const twice = repeated(request.topics.map(({ name }) => name));
    const asked = request.topics.filter(({ name }) => !twice.has(name));
    const requests = asked.map(({ name, count, assignments }) => ({
      topic: name,
      totalCount: count,
      assignments: assignments?.map(({ brokerIds }) => brokerIds) ?? null,
    }));
    const rows = requests.length === 0 ? [] : await services.controller.createPartitions(requests, request.validateOnly, deadline);
    return {
      results: [
        ...rows.map((row, at) => ({
          name: asked[at]!.name,
          errorCode: row.ok ? 0 : errorCode(row.error),
          errorMessage: row.ok ? null : row.message,
        })),
        ...Array.from(twice, (name) => ({
          name,
          errorCode: errorCode("INVALID_REQUEST"),
          errorMessage: "Cannot add partitions to a topic twice in one request",
        })),
      ],
    };
  },

  refuse: (request, error, errorMessage) => ({
    results: request.topics.map(({ name }) => ({ name, errorCode: errorCode(error), errorMessage })),
  }),
});
