/** The last lines of the node's log, for whoever cannot reach its standard error. Keeps nothing itself: the command line does. */
import { z } from "@hono/zod-openapi";
import type { AdminContext } from "../../mod.ts";
import type { Api } from "../operation.ts";
import { field, text } from "../params.ts";

const Logs = z.object({
  lines: field(
    z.array(
      text("One event as JSON: time, level, room, event, and what belongs to it", '{"time":"2026-01-02T03:04:05.678Z","level":"info"}'),
    ),
    "Oldest first: at most 1,000 lines or 256 KiB, as many as were written at the level of logging.level; empty in an embedded broker",
    [],
  ),
}).openapi("Logs");

export function logRoutes(api: Api, { logs }: Pick<AdminContext, "logs">): void {
  api.add({
    method: "get",
    path: "/v1/logs",
    id: "getLogs",
    tag: "cluster",
    summary: "Show the last log lines",
    description: "The newest lines of the log of the node that answers.",
    answer: Logs,
    answers: { 200: "The lines" },
  }, () => ({ status: 200, body: { lines: logs?.lines() ?? [] } }));
}
