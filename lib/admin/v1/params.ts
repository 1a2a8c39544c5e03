/** Parameters and fields that several operations share: their form, their bounds, and what the document says of them. */
import { z } from "@hono/zod-openapi";

interface IntegerForm {
  readonly min: number;
  readonly max: number;
  readonly default?: number;
  readonly example: number;
}

/** A whole number as it stands in a query or a path. */
export function integerParam({ min, max, default: otherwise, example }: IntegerForm, description: string) {
  return z.string()
    .regex(/^-?\d{1,16}$/, `a whole number from ${min} to ${max}`)
    .transform(Number)
    .pipe(z.int().min(min).max(max))
    .openapi({ type: "integer", minimum: min, maximum: max, description, example, ...(otherwise !== undefined && { default: otherwise }) });
}

/** `true` or `false` in a query. */
export function booleanParam(otherwise: boolean, description: string) {
  return z.enum(["true", "false"]).optional().transform((text) => text === undefined ? otherwise : text === "true")
    .openapi({ type: "boolean", default: otherwise, description, example: !otherwise });
}

/** With what the document says of it. */
export function field<T extends z.ZodType>(schema: T, description: string, example: unknown): T {
  return schema.openapi({ description, examples: [example] } as never);
}

/** A schema with a name of its own, or null: the document refers to it. */
export function orNull<T extends z.ZodType>(schema: T, description: string): z.ZodUnion<readonly [T, z.ZodNull]> {
  return z.union([schema, z.null()]).openapi({ description });
}

export const OFFSET_MAX = Number.MAX_SAFE_INTEGER;

export const offset = (description: string, example = 1042) => field(z.int().min(0).max(OFFSET_MAX), description, example);
export const count = (description: string, example = 3) => field(z.int().min(0), description, example);
export const text = (description: string, example: string) => field(z.string(), description, example);
export const flag = (description: string, example = true) => field(z.boolean(), description, example);

const TOPIC_NAME = /^[a-zA-Z0-9._-]{1,249}$/;
const topicForm = '1 to 249 letters, digits, dots, underscores and hyphens, and neither "." nor ".."';

export const topicName = z.string()
  .regex(TOPIC_NAME, topicForm)
  .refine((name) => name !== "." && name !== "..", topicForm)
  .openapi({ description: `Name of a topic: ${topicForm}`, example: "orders" });

export const groupId = z.string().min(1).max(32_767).openapi({ description: "Id of a consumer group", example: "billing" });

export const partitionParam = integerParam({ min: 0, max: 2 ** 31 - 1, example: 0 }, "Index of a partition, from 0");
export const brokerParam = integerParam({ min: 0, max: 2 ** 31 - 1, example: 1 }, "Id of a node");
export const partitionIndex = field(z.int().min(0).max(2 ** 31 - 1), "Index of a partition, from 0", 0);

export const validateOnly = field(z.boolean().default(false), "Checks everything, answers as if it were done, and does nothing", true);
