/**
 * Producers of every kind into one topic, and readers behind them: whatever was acknowledged is durable when it is told, and is read, where it was
 * said to be.
 */
import { namedOracles } from "../oracles/mod.ts";
import { live } from "./client.ts";
import { clientKnobs, knob, lifeKnobs, livesOf } from "./knobs.ts";
import { MarkedProducer, producerKnobs } from "./producing.ts";
import { follow, readerKnobs, readWhole } from "./reading.ts";
import { makeTopic, partitionsOf } from "./set_up.ts";
import type { Workload } from "./types.ts";

const KIND = "log";
const TOPIC = "log";

export const log: Workload = {
  kind: KIND,

  plan(draws) {
    return {
      kind: KIND,
      clients: 1 + draws.below(4),
      operations: Math.floor(draws.skewed(10, 150)),
      knobs: {
        ...clientKnobs(draws),
        ...lifeKnobs(draws, 0.3),
        ...producerKnobs(draws),
        ...readerKnobs(draws),
        partitions: 1 + draws.below(4),
        readers: draws.below(3),
      },
    };
  },

  async run(context) {
    const partitions = partitionsOf(TOPIC, knob(context, "partitions"));
    await live(context, "log-maker", (client) => makeTopic(client, TOPIC, partitions.length));
    let isOver = false;
    const readers = Array.from(
      { length: knob(context, "readers") },
      (_, at) => live(context, `log-reader${at}`, (client) => follow(client, partitions, () => isOver), livesOf(context)),
    );
    const producers = Array.from({ length: context.plan.clients }, (_, at) => {
      const budget = { left: context.plan.operations };
      return live(
        context,
        `log-producer${at}`,
        (client) => new MarkedProducer(client).sendMany(budget, TOPIC, partitions.length),
        livesOf(context),
      );
    });
    await Promise.all(producers);
    isOver = true;
    await Promise.all(readers);
  },

  finish: (context, reader) =>
    live(context, `log-${reader}`, (client) => readWhole(client, partitionsOf(TOPIC, knob(context, "partitions")), reader)),

  oracles: namedOracles([
    "lost-write",
    "refused-write",
    "duplicate",
    "producer-order",
    "invented-record",
    "inconsistent-offsets",
    "dense-offsets",
    "lasting-records",
    "lasting-ends",
    "poll-order",
    "log-start",
  ]),
};
