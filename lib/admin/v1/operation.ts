/**
 * One declaration an operation: path, checks, document and handler together. Everything is checked before a handler runs, and each runs
 * under a deadline. Knows HTTP and schemas; what an operation does is in `routes/`.
 */
import { createRoute, OpenAPIHono, type RouteConfig, z } from "@hono/zod-openapi";
import type { Deadline, Deadlines } from "../../io/mod.ts";
import { problem } from "../problem.ts";
import { jsonBody, noBody } from "./body.ts";
import type { IdempotencyKeys } from "./idempotency.ts";
import { KEY_CHARACTERS_MAX } from "./idempotency.ts";
import { integerParam } from "./params.ts";
import { ProblemBody } from "./schemas.ts";
import { fieldErrors, sentence } from "./validation.ts";

type Shape = z.core.$ZodLooseShape;

export interface Operation<P extends Shape, Q extends Shape, B extends z.ZodType, A extends z.ZodType> {
  readonly method: "get" | "post" | "put" | "patch" | "delete";
  /** As in the document: `/v1/topics/{topic}`. */
  readonly path: string;
  /** What generated clients call it. */
  readonly id: string;
  readonly tag: string;
  readonly summary: string;
  readonly description: string;
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  readonly answer: A;
  /** What each status of success says. */
  readonly answers: Readonly<Record<number, string>>;
  /** Statuses of its refusals, beside those that every operation has. */
  readonly problems?: readonly number[];
}

export interface Asked<P extends Shape, Q extends Shape, B extends z.ZodType> {
  readonly params: z.output<z.ZodObject<P, z.core.$strict>>;
  readonly query: z.output<z.ZodObject<Q, z.core.$strict>>;
  readonly body: z.output<B>;
  readonly deadline: Deadline;
}

export interface Reply<A extends z.ZodType> {
  /** One of the operation's `answers`. */
  readonly status: number;
  readonly body: ReadonlyDeep<z.input<A>>;
}

type ReadonlyDeep<T> = T extends object ? { readonly [K in keyof T]: ReadonlyDeep<T[K]> } : T;

export const TIMEOUT_MS_MAX = 300_000;

const PROBLEM_TEXTS: Readonly<Record<number, string>> = {
  400: "Something of the request is not as it must be",
  403: "Refused by a rule of this node",
  404: "What the path names does not exist",
  409: "Contradicts what is there, or the idempotency key is in use",
  413: "Too large",
  415: "The body is not application/json",
  421: "Another node must be asked",
  422: "The idempotency key came before with another request",
  500: "The node failed in a way that it did not foresee",
  503: "Not possible now: try again later",
  504: "The time passed first: the outcome is unknown",
  507: "The disk failed, or is nearly full",
};
const ALWAYS = [400, 403, 500, 503, 504];

export interface ApiOptions {
  readonly deadlines: Deadlines;
  readonly defaultTimeoutMs: () => number;
  readonly idempotencyKeys: IdempotencyKeys;
}

/** The application under construction. */
export class Api {
  readonly app: OpenAPIHono;
  /** The verbs of every path that was added. */
  readonly paths = new Map<string, string[]>();
  readonly #options: ApiOptions;

  constructor(options: ApiOptions) {
    this.#options = options;
    this.app = new OpenAPIHono({
      defaultHook: (result) => {
        if (result.success) return;
        const where = result.target === "json"
          ? "body"
          : result.target === "param"
          ? "path"
          : result.target === "query"
          ? "query"
          : "header";
        const errors = fieldErrors(result.error.issues, "data" in result ? result.data : undefined, where);
        return problem("invalid-request", sentence(errors), { errors });
      },
    });
  }

  add<P extends Shape, Q extends Shape, B extends z.ZodType, A extends z.ZodType>(
    operation: Operation<P, Q, B, A>,
    handle: (asked: Asked<P, Q, B>) => Reply<A> | Promise<Reply<A>>,
  ): void {
    const { deadlines, defaultTimeoutMs } = this.#options;
    const { id, method, path } = operation;
    const verbs = this.paths.get(path);
    if (verbs === undefined) this.paths.set(path, [method]);
    else verbs.push(method);
    this.app.openapi(this.#route(operation), async ({ req }) => {
      const { timeoutMs, ...query } = req.valid("query" as never) as { timeoutMs?: number };
      const deadline = deadlines.in(`admin.${id}`, timeoutMs ?? Math.min(defaultTimeoutMs(), TIMEOUT_MS_MAX));
      const asked = {
        params: req.valid("param" as never),
        query,
        body: operation.body === undefined ? undefined : req.valid("json" as never),
        deadline,
      } as Asked<P, Q, B>;
      const work = Promise.resolve(handle(asked));
      const { status, body } = await deadlines.guard(deadline, req.path, work, (late) => {
        // Whoever asked was told that the outcome is unknown; a failure after that is nothing new.
        void late;
      });
      return Response.json(body, { status, headers: { "cache-control": "no-store" } });
    });
  }

  #route(operation: Operation<Shape, Shape, z.ZodType, z.ZodType>) {
    const { method, path, id, tag, summary, description, params = {}, query = {}, body, answer, answers, problems = [] } = operation;
    const takesKey = method === "post" || method === "patch";
    const statuses = [...ALWAYS, ...problems, ...(body === undefined ? [] : [413, 415]), ...(takesKey ? [409, 422] : [])];
    const responses: Record<string, RouteConfig["responses"][string]> = {};
    for (const [status, description] of Object.entries(answers)) {
      responses[status] = { description, content: { "application/json": { schema: answer } } };
    }
    for (const status of [...new Set(statuses)].sort((a, b) => a - b)) {
      responses[status] = { description: PROBLEM_TEXTS[status]!, content: { "application/problem+json": { schema: ProblemBody } } };
    }
    return createRoute({
      method,
      path,
      operationId: id,
      tags: [tag],
      summary,
      description,
      middleware: [body === undefined ? noBody : jsonBody, ...(takesKey ? [this.#options.idempotencyKeys.middleware] : [])],
      request: {
        params: z.strictObject(params),
        query: z.strictObject({ ...query, timeoutMs }),
        ...(takesKey && { headers: z.looseObject({ "idempotency-key": idempotencyKey }) }),
        ...(body !== undefined && { body: { required: true, content: { "application/json": { schema: body } } } }),
      },
      responses,
    });
  }
}

const timeoutMs = integerParam(
  { min: 1, max: TIMEOUT_MS_MAX, example: 5000 },
  "Milliseconds after which the answer is 504; `request.timeout.ms` when absent",
)
  .optional();

const idempotencyKey = z.string().regex(/^[\x21-\x7e]{1,200}$/).optional().openapi({
  description:
    `Any text of at most ${KEY_CHARACTERS_MAX} visible ASCII characters, new for each request. Sent again with the same request within ten ` +
    "minutes, the answer of the first time comes again and nothing is done twice",
  example: "7f1c8f3a-create-orders",
});
