/**
 * Producers of every kind into one topic, and readers behind them: whatever was acknowledged is durable when it is told, and is read, where it was
 * said to be.
 */
import { namedOracles, RECORD_RULES } from "../oracles/mod.ts";
import { inCompany, live } from "./client.ts";
import { clientKnobs, knob, lifeKnobs, livesOf } from "./knobs.ts";
import { produceAll, producerKnobs } from "./producing.ts";
import { follow, readerKnobs, readsItsTopic } from "./reading.ts";
import { makeTopic, partitionsOf } from "./set_up.ts";
import type { Workload } from "./types.ts";

const KIND = "log";
const TOPIC = "log";

export const log: Workload = {
  kind: KIND,

  plan(draws) {
    const operations = Math.floor(draws.skewed(10, 150));
    return {
      kind: KIND,
      clients: 1 + draws.below(4),
      operations,
      knobs: {
        ...clientKnobs(draws),
        ...lifeKnobs(draws, 0.3),
        ...producerKnobs(draws, operations),
        ...readerKnobs(draws),
        partitions: 1 + draws.below(4),
        readers: draws.below(3),
      },
    };
  },

  async run(context) {
    const partitions = partitionsOf(TOPIC, knob(context, "partitions"));
    await live(context, "log-maker", (client) => makeTopic(client, TOPIC, partitions.length));
    const readers = (isOver: () => boolean) =>
      Array.from(
        { length: knob(context, "readers") },
        (_, at) => live(context, `log-reader${at}`, (client) => follow(client, partitions, isOver), livesOf(context)),
      );
    await inCompany(readers, () => produceAll(context, { topic: TOPIC, partitions: partitions.length, lives: livesOf(context) }));
  },

  finish: readsItsTopic,

  oracles: namedOracles([...RECORD_RULES, "poll-order"]),
};
