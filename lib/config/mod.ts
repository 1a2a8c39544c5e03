/** Door of `config`: what can be set, by which name, and what it comes to. Pure. */
export { brokerChapters, type BrokerSettingName, brokerSettings, type BrokerValues } from "./broker_settings.ts";
export { checkConfig, checkConfigs, listDefault } from "./check.ts";
export { clusterIdOf } from "./cluster_id.ts";
export { type ConfigRow, describeConfigs } from "./describe.ts";
export { clientMetricsSettings, groupSettings } from "./group_settings.ts";
export { explainSettings, explainStranger, type Explanation, PRECEDENCE } from "./explain.ts";
export { kafkaOnly, kafkaOnlyRule } from "./kafka_only.ts";
export {
  formatAddress,
  isLoopback,
  isWildcard,
  type Listener,
  type ListenerAddress,
  parseAddress,
  parseListeners,
  reachProblem,
} from "./listeners.ts";
export { type Ignored, type LoadedSettings, loadSettings, type Understood } from "./load.ts";
export { suggestion } from "./names.ts";
export { type BrokerSettings, CONFIG_SOURCE_CODES, type ConfigSource, NodeSettings, type SourcedValue } from "./node_settings.ts";
export { parseProperties } from "./properties.ts";
export { settingNameOf, type SettingsSource, type SettingTexts, type Told, variableOf } from "./sources.ts";
export {
  acceptedForm,
  CONFIG_TYPE_CODES,
  type ConfigType,
  formatValue,
  LONG_MAX,
  type Parsed,
  parseValue,
  type Setting,
  type SettingValue,
  unitOf,
} from "./setting.ts";
export { resolveTopicConfig, type TopicConfig } from "./topic_config.ts";
export { topicSettings } from "./topic_settings.ts";
