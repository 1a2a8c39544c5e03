/** Door of `config`: what can be set, by which name, and what it comes to. Pure. */
export { type BrokerSettingName, brokerSettings, type BrokerValues } from "./broker_settings.ts";
export { checkConfig, checkConfigs, listDefault } from "./check.ts";
export { type ConfigRow, describeConfigs } from "./describe.ts";
export { formatAddress, isLoopback, isWildcard, type Listener, type ListenerAddress, parseAddress, parseListeners } from "./listeners.ts";
export { type LoadedSettings, loadSettings, settingNameOf, type SettingTexts } from "./load.ts";
export { suggestion } from "./names.ts";
export { type BrokerSettings, CONFIG_SOURCE_CODES, type ConfigSource, NodeSettings, type SourcedValue } from "./node_settings.ts";
export { parseProperties } from "./properties.ts";
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
} from "./setting.ts";
export { resolveTopicConfig, type TopicConfig } from "./topic_config.ts";
export { topicSettings } from "./topic_settings.ts";
