/** The metadata machine: commands to records by Kafka's rules, records to state. Pure; the controller hosts it. */
import { type ProducerId, producerId, ZERO_UUID } from "../../protocol/mod.ts";
import type { Decision, Machine } from "../machine.ts";
import type { MetadataCommand, MetadataReplies, MetadataReply } from "./commands.ts";
import { changeConfigs } from "./decide_configs.ts";
import { createPartitions, createTopics, deleteTopics } from "./decide_topics.ts";
import type { MetadataRecord } from "./records.ts";
import type { MetadataRules } from "./rules.ts";
import type { MetadataState } from "./state.ts";

type CommandOf<Kind extends MetadataCommand["kind"]> = Extract<MetadataCommand, { readonly kind: Kind }>;
type DecisionOf<Kind extends MetadataCommand["kind"]> = Decision<MetadataRecord, MetadataReplies[Kind]>;

export class MetadataMachine implements Machine<MetadataState, MetadataCommand, MetadataRecord, MetadataReply> {
  constructor(readonly rules: MetadataRules) {}

  decide<Kind extends MetadataCommand["kind"]>(state: MetadataState, command: CommandOf<Kind>): DecisionOf<Kind>;
  decide(state: MetadataState, command: MetadataCommand): Decision<MetadataRecord, MetadataReply> {
    switch (command.kind) {
      case "createCluster":
        return createCluster(state, command);
      case "registerBroker":
        return registerBroker(state, command);
      case "createTopics":
        return createTopics(state, command.topics, this.rules);
      case "deleteTopics":
        return deleteTopics(state, command.topics);
      case "createPartitions":
        return createPartitions(state, command.requests, this.rules);
      case "changeConfigs":
        return changeConfigs(state, command.changes, this.rules);
      case "reserveProducerIds":
        return reserveProducerIds(state.nextProducerId, command.count);
      case "setFeature":
        return { records: [{ type: "featureSet", feature: command.feature, level: command.level }], reply: null };
    }
  }

  replay(state: MetadataState, record: MetadataRecord): void {
    state.replay(record);
  }
}

/** The first one decides the id for ever. */
function createCluster(state: MetadataState, { clusterId, features }: CommandOf<"createCluster">): DecisionOf<"createCluster"> {
  if (state.clusterId !== ZERO_UUID) return { records: [], reply: state.clusterId };
  const levels = [...features].map(([feature, level]): MetadataRecord => ({ type: "featureSet", feature, level }));
  return { records: [{ type: "clusterCreated", clusterId }, ...levels], reply: clusterId };
}

/** Every start is a new incarnation with a new epoch, even when nothing else changed: late requests of the old one are told apart by it. */
function registerBroker(state: MetadataState, { broker }: CommandOf<"registerBroker">): DecisionOf<"registerBroker"> {
  const brokerEpoch = state.brokerEpoch + 1;
  return { records: [{ type: "brokerRegistered", broker: { ...broker, brokerEpoch, fenced: false } }], reply: brokerEpoch };
}

function reserveProducerIds(first: ProducerId, count: number): DecisionOf<"reserveProducerIds"> {
  return { records: [{ type: "producerIdsReserved", next: producerId(first + count) }], reply: first };
}
