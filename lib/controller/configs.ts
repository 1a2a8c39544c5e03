/** Where the metadata and the settings of a node meet: rules read from the settings, settings changed by the metadata. */
import { type BrokerSettings, checkConfig, checkConfigs, listDefault, type NodeSettings } from "../config/mod.ts";
import type { NodeId } from "../protocol/mod.ts";
import type { MetadataRules } from "../state/mod.ts";
import type { Controller } from "./types.ts";

/** Live: a default that is changed on the running broker counts from the next request on. */
export function metadataRules(settings: BrokerSettings): MetadataRules {
  return {
    get defaultPartitions() {
      return settings.numPartitions;
    },
    get defaultReplicationFactor() {
      return settings.defaultReplicationFactor;
    },
    get partitionsPerTopicMax() {
      return settings.maxPartitionsPerTopic;
    },
    get partitionsPerClusterMax() {
      return settings.maxPartitions;
    },
    checkConfig,
    checkConfigs,
    listDefault,
  };
}

/** Keeps the node's settings in step with the overrides in the metadata, from now until cancelled. */
export function followBrokerConfigs(controller: Controller, id: NodeId, settings: NodeSettings): { cancel(): void } {
  const follow = (): void => settings.override(controller.image.configs("broker", String(id)), controller.image.configs("broker", ""));
  follow();
  return controller.onApplied((delta) => {
    if (delta.configsChanged.some(({ type, name }) => type === "broker" && (name === "" || name === String(id)))) follow();
  });
}
