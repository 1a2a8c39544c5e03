/** Everything below `/v1`: the operations, the document derived from them, the page rendered from the document, and answers to what is not there. */
import { HTTPException } from "hono/http-exception";
import { isUnforeseen, kafkaErrorOf } from "../../broker/mod.ts";
import { DeadlineExceeded, InvariantBroken } from "../../io/mod.ts";
import { logOf } from "../../telemetry/mod.ts";
import { VERSION } from "../../version.ts";
import type { AdminContext } from "../mod.ts";
import { problem } from "../problem.ts";
import { docsPage } from "./docs_page.ts";
import { IdempotencyKeys } from "./idempotency.ts";
import { Missing } from "./missing.ts";
import { Api } from "./operation.ts";
import { clusterRoutes } from "./routes/cluster.ts";
import { configRoutes } from "./routes/configs.ts";
import { groupRoutes } from "./routes/groups.ts";
import { logRoutes } from "./routes/logs.ts";
import { nodeRoutes } from "./routes/node.ts";
import { partitionRoutes } from "./routes/partitions.ts";
import { recordRoutes } from "./routes/records.ts";
import { topicRoutes } from "./routes/topics.ts";
import { kafkaProblem, kafkaProblemReply, Refused } from "./status.ts";

/** Exit code for a broken promise of our own code (EX_SOFTWARE). */
const EXIT_SOFTWARE = 70;

const ABOUT = {
  openapi: "3.1.0",
  info: {
    title: "Barnabas HTTP admin",
    version: VERSION,
    summary: "Manage a Kafka-compatible broker over HTTP",
    description:
      "Topics, records, groups, settings and the state of a node. Bodies and answers are JSON. A refusal is a problem body (RFC 9457) whose " +
      "`detail` says what to do, and nothing of a refused request was done. Long lists page with `limit` and `cursor`. Writes by PUT and DELETE may " +
      "be repeated; POST and PATCH accept an `Idempotency-Key`. Web pages of other origins may neither read nor write.",
    license: { name: "Apache-2.0", identifier: "Apache-2.0" },
  },
  tags: [
    { name: "cluster", description: "The cluster and its nodes" },
    { name: "topics", description: "Topics and their partitions" },
    { name: "records", description: "What is in the partitions" },
    { name: "groups", description: "Consumer groups, their members, their offsets" },
    { name: "configs", description: "Settings of topics and brokers" },
    { name: "node", description: "The node that answers" },
  ],
  servers: [{ url: "/", description: "This node" }],
};

export interface V1App {
  fetch(request: Request): Response | Promise<Response>;
}

export function v1App(context: AdminContext): V1App {
  const { services } = context;
  const { io } = services;
  const log = logOf("admin");
  const api = new Api({
    deadlines: io.deadlines,
    defaultTimeoutMs: () => services.settings.requestTimeoutMs,
    idempotencyKeys: new IdempotencyKeys(io.clock),
  });
  clusterRoutes(api, context);
  logRoutes(api, context);
  topicRoutes(api, context);
  partitionRoutes(api, context);
  recordRoutes(api, context);
  groupRoutes(api, context);
  configRoutes(api, context);
  nodeRoutes(api, context);

  const { app } = api;
  const missing = new Missing(api.paths);
  let made: ReturnType<typeof app.getOpenAPI31Document> | null = null;
  // Large, and few ask for it: the first request for anything else would wait for it, and everything else in the node with it.
  const document = () => made ??= app.getOpenAPI31Document(ABOUT);
  app.get("/v1/openapi.json", ({ json }) => json(document()));
  app.get("/v1/docs", ({ html, header }) => {
    header("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'");
    header("x-content-type-options", "nosniff");
    return html(docsPage(document()));
  });
  app.notFound(({ req }) => missing.answer(req.method, req.path));
  app.onError((error) => {
    if (error instanceof Refused) return kafkaProblemReply(error.problem);
    if (error instanceof HTTPException) return problem("invalid-request", error.message);
    if (error instanceof DeadlineExceeded) return problem("timed-out", `${error.message}; look what is there before trying again`);
    if (error instanceof InvariantBroken) {
      io.fatal(EXIT_SOFTWARE, error.stack ?? error.message);
      return problem("internal-error", "The node cannot go on and stops: look into its log");
    }
    if (!isUnforeseen(error)) {
      const name = kafkaErrorOf(error);
      // Thrown, it is a log that is damaged, not a record that was sent.
      return kafkaProblemReply(kafkaProblem(name === "CORRUPT_MESSAGE" ? "KAFKA_STORAGE_ERROR" : name, error.message));
    }
    log("error", "Cannot answer a request", { error: error.stack ?? error.message });
    return problem("internal-error", `${error.message}: this is a mistake of the node, please report it`);
  });
  return app;
}
