/** Shapes that several operations answer with. */
import { z } from "@hono/zod-openapi";
import { field, text } from "./params.ts";

export const ProblemBody = z.object({
  type: text("Where this sort of problem is explained", "/v1/docs#problem-unknown-topic-or-partition"),
  title: text("The sort of problem, in words", "This broker does not host the topic or partition"),
  status: field(z.int().min(400).max(599), "The HTTP status", 404),
  detail: text("What is wrong and what to do", 'There is no topic "order": did you mean "orders"?'),
  kafkaError: field(z.string().optional(), "Kafka's name of the error, where it has one", "UNKNOWN_TOPIC_OR_PARTITION"),
  errors: field(
    z.array(
      z.object({
        in: field(z.enum(["path", "query", "header", "body"]), "Which part of the request", "body"),
        path: text("The parameter's name, or a JSON pointer into the body", "/topics/0/partitions"),
        accepted: text("What would be accepted", "at least 1"),
        got: field(z.string().optional(), "What was there, shortened; absent when nothing was", "0"),
      }),
    ).optional(),
    "What of the request is not as it must be",
    [{ in: "body", path: "/topics/0/partitions", accepted: "at least 1", got: "0" }],
  ),
}).openapi("Problem", { description: "A refusal (RFC 9457)" });
