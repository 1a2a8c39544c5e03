/** Producers that lose replies and send everything again, beside each other in the same partitions. */
import { namedOracles, RECORD_RULES } from "../oracles/mod.ts";
import { live } from "./client.ts";
import { clientKnobs, knob, lifeKnobs, livesOf, paceMs, whole } from "./knobs.ts";
import { readsItsTopic } from "./reading.ts";
import { SequenceProducer } from "./sequence_producer.ts";
import { makeTopic } from "./set_up.ts";
import type { Workload } from "./types.ts";

const KIND = "sequences";
const TOPIC = "sequences";

export const sequences: Workload = {
  kind: KIND,

  plan(draws) {
    const operations = whole(draws.skewed(10, 120));
    return {
      kind: KIND,
      clients: 1 + draws.below(3),
      operations,
      knobs: {
        ...clientKnobs(draws),
        ...lifeKnobs(draws, 0.2),
        partitions: 1 + draws.below(2),
        valueBytes: whole(draws.skewed(10, 1_000)),
        pauseMs: paceMs(draws, operations, 400),
        newLinkShare: draws.pick([0, 0.02, 0.2]),
        newIdentityShare: draws.pick([0, 0, 0.02]),
        newEpochShare: draws.pick([0, 0.02, 0.1]),
        earlierShare: draws.pick([0, 0.05, 0.2, 0.2]),
        againShare: draws.pick([0, 0.05, 0.3]),
        repeatShare: draws.pick([0, 0.05, 0.2]),
        gapShare: draws.pick([0, 0.1, 0.3]),
      },
    };
  },

  async run(context) {
    const partitions = knob(context, "partitions");
    await live(context, "sequences-maker", (client) => makeTopic(client, TOPIC, partitions));
    await Promise.all(Array.from({ length: context.plan.clients }, (_, at) => {
      const budget = { left: context.plan.operations };
      const body = (client: Parameters<Parameters<typeof live>[2]>[0]) => new SequenceProducer(client, TOPIC, at % partitions).run(budget);
      return live(context, `sequences-producer${at}`, body, livesOf(context));
    }));
  },

  finish: readsItsTopic,

  oracles: namedOracles(RECORD_RULES),
};
