/**
 * What a refusal looks like over HTTP: a problem body (RFC 9457) whose detail says what to do. Small, because `/livez` and `/metrics` carry
 * it too: it knows neither Kafka's errors nor any route.
 */

export interface Problem {
  /** Where the sort of problem is explained. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** Kafka's own name for it, where there is one. */
  readonly kafkaError?: string;
  /** What of the request is not as it must be. */
  readonly errors?: readonly FieldError[];
}

export interface FieldError {
  readonly in: "path" | "query" | "header" | "body";
  /** A parameter's name, or a JSON pointer into the body: `/topics/0/name`; empty for the body itself. */
  readonly path: string;
  /** What would be accepted, in words. */
  readonly accepted: string;
  /** What was there, shortened; absent when nothing was. */
  readonly got?: string;
}

interface Sort {
  readonly status: number;
  readonly title: string;
  /** For the page. */
  readonly meaning: string;
}

/** Problems of HTTP itself. Those that Kafka has a name for are in `v1/status.ts`. */
export const HTTP_PROBLEMS = {
  "invalid-request": {
    status: 400,
    title: "Invalid request",
    meaning: "Something of the request is not as it must be; `errors` names every place",
  },
  "invalid-json": { status: 400, title: "Invalid JSON", meaning: "The body cannot be read as JSON" },
  "host-not-allowed": {
    status: 403,
    title: "Host not allowed",
    meaning: "The request names a host that this node does not go by, as a web page with a rebound name would",
  },
  "origin-not-allowed": { status: 403, title: "Origin not allowed", meaning: "A web page of another origin asked for a change" },
  "not-found": { status: 404, title: "Not found", meaning: "There is no such path, or not what the path names" },
  "method-not-allowed": {
    status: 405,
    title: "Method not allowed",
    meaning: "The path does not answer this verb; `Allow` has those that it answers",
  },
  "key-in-use": { status: 409, title: "Idempotency key in use", meaning: "The request with this key is still in work" },
  "body-too-large": { status: 413, title: "Body too large", meaning: "The body is larger than 1 MiB" },
  "unsupported-media-type": { status: 415, title: "Unsupported media type", meaning: "Bodies are application/json in UTF-8" },
  "key-reused": { status: 422, title: "Idempotency key reused", meaning: "The key came before with another request" },
  "internal-error": {
    status: 500,
    title: "Internal error",
    meaning: "The node failed in a way that it did not foresee; its log has the details",
  },
  "starting": { status: 503, title: "Starting", meaning: "The node recovers what is on its disk; `/readyz` says when it is ready" },
  "timed-out": { status: 504, title: "Timed out", meaning: "The time given with `timeoutMs` passed first: the outcome is unknown" },
} as const satisfies Readonly<Record<string, Sort>>;

export type HttpProblem = keyof typeof HTTP_PROBLEMS;

/** Where the page explains a sort of problem. */
export const problemType = (name: string): string => `/v1/docs#problem-${name}`;

export interface ProblemExtras {
  readonly headers?: Readonly<Record<string, string>>;
  readonly errors?: readonly FieldError[];
}

export function problem(name: HttpProblem, detail: string, { headers = {}, errors }: ProblemExtras = {}): Response {
  const { title, status } = HTTP_PROBLEMS[name];
  return problemReply({ type: problemType(name), title, status, detail, ...(errors && { errors }) }, headers);
}

export function problemReply(body: Problem, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(body) + "\n", {
    status: body.status,
    headers: { ...headers, "content-type": "application/problem+json", "cache-control": "no-store" },
  });
}
