/**
 * Clients that speak the protocol as it is on the wire, with several requests of every kind in flight on one connection, and connections that are
 * thrown away in the middle. Replies come in the order of their requests, each request gets one, records are in the log in the order of
 * sending; and when all is well again, whoever waits in the broker is woken by what he waits for and not by his timeout.
 */
import { namedOracles, RECORD_RULES } from "../oracles/mod.ts";
import { live } from "./client.ts";
import { knob, lifeKnobs, livesOf, paceMs, whole } from "./knobs.ts";
import { PipelineClient } from "./pipeline_client.ts";
import { answersInTime } from "./prompt_answers.ts";
import { readWhole } from "./reading.ts";
import { makeTopic, partitionsOf } from "./set_up.ts";
import type { Workload } from "./types.ts";

const KIND = "pipeline";
const TOPIC = "pipeline";

export const pipeline: Workload = {
  kind: KIND,

  plan(draws) {
    const operations = whole(draws.skewed(20, 200));
    const together = 1 + draws.below(10);
    return {
      kind: KIND,
      clients: 1 + draws.below(3),
      operations,
      knobs: {
        ...lifeKnobs(draws, 0.2),
        partitions: 1 + draws.below(3),
        connectTimeoutMs: whole(draws.skewed(300, 10_000)),
        inFlightMax: 1 + draws.below(16),
        together,
        pauseMs: paceMs(draws, 2 * operations / (together + 1), 400),
        valueBytes: whole(draws.skewed(10, 1_000)),
        timeoutMs: whole(draws.skewed(200, 20_000)),
        waitMs: whole(draws.skewed(1, 5_000)),
        // 0: it waits until the broker or the network says something.
        patienceMs: draws.chance(0.7) ? whole(draws.skewed(1_000, 20_000)) : 0,
        throwAwayShare: draws.pick([0, 0.01, 0.1]),
        produceShare: 0.2 + draws.float(),
        fetchShare: draws.float(),
        listShare: draws.float() / 2,
        smallShare: draws.float() / 2,
        joinShare: draws.chance(0.3) ? 0.1 : 0,
      },
    };
  },

  async run(context) {
    const partitions = knob(context, "partitions");
    await live(context, "pipeline-maker", (client) => makeTopic(client, TOPIC, partitions));
    await Promise.all(Array.from({ length: context.plan.clients }, (_, at) => {
      const budget = { left: context.plan.operations };
      return live(context, `pipeline-client${at}`, (client) => new PipelineClient(client, TOPIC).run(budget), livesOf(context));
    }));
  },

  finish: (context, reader) =>
    live(context, `pipeline-${reader}`, async (client) => {
      await answersInTime(client, TOPIC, `pipeline-${reader}`);
      await readWhole(client, partitionsOf(TOPIC, knob(context, "partitions")), reader);
    }),

  oracles: namedOracles(RECORD_RULES),
};
