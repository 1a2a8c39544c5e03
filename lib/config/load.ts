/**
 * From flags, environment and properties to checked settings: flag > environment > file > default. Pure: it is given texts and gives back
 * texts, warnings and errors. The environment is `BARNABAS_LOG_RETENTION_MS`, or `KAFKA_LOG_RETENTION_MS` as the apache/kafka image has it.
 */
import { brokerSettingByName, suggestion } from "./names.ts";
import { parseProperties } from "./properties.ts";
import { parseValue } from "./setting.ts";

export interface SettingTexts {
  /** By setting name. */
  readonly flags?: ReadonlyMap<string, string>;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Content of a `server.properties`. */
  readonly properties?: string;
}

export interface LoadedSettings {
  /** Checked, for `new NodeSettings()`. */
  readonly given: ReadonlyMap<string, string>;
  /** Names that mean nothing here; the node starts without them. */
  readonly warnings: readonly string[];
  /** Values that cannot be used; the node must not start. */
  readonly errors: readonly string[];
}

/** Kafka settings that say the same as something here, under another name. */
const KAFKA_NAMES: Readonly<Record<string, string>> = { "broker.id": "node.id", "log.dir": "log.dirs" };
/** What a Kafka properties file always has and what means nothing to a node that is broker and controller at once. */
const UNDERSTOOD_WITHOUT_EFFECT = new Set([
  "process.roles",
  "controller.quorum.voters",
  "controller.quorum.bootstrap.servers",
  "inter.broker.listener.name",
]);
/** Names of listeners that only controllers use: this node has none of them, whatever the file says of their addresses. */
const CONTROLLER_LISTENERS = "controller.listener.names";
/** Variables of the image that are not settings. */
const NOT_SETTINGS = new Set([
  "KAFKA_HEAP_OPTS",
  "KAFKA_OPTS",
  "KAFKA_JVM_PERFORMANCE_OPTS",
  "KAFKA_LOG4J_OPTS",
  "KAFKA_JMX_OPTS",
  "KAFKA_JMX_PORT",
  "KAFKA_VERSION",
]);

export function loadSettings(texts: SettingTexts): LoadedSettings {
  const given = new Map<string, string>();
  const warnings: string[] = [];
  const errors: string[] = [];
  let controllerListeners: ReadonlySet<string> = new Set();
  const take = (name: string, value: string, where: string, unknown: string[]) => {
    const known = KAFKA_NAMES[name] ?? name;
    if (known === CONTROLLER_LISTENERS) {
      controllerListeners = new Set(value.split(",").map((word) => word.trim().toUpperCase()));
      return;
    }
    if (UNDERSTOOD_WITHOUT_EFFECT.has(known)) return;
    const setting = brokerSettingByName.get(known);
    if (!setting) {
      unknown.push(`Unknown setting "${name}" in ${where}${suggestion(name, brokerSettingByName.keys())}`);
      return;
    }
    const parsed = parseValue(setting, value);
    if (parsed.ok) given.set(known, value.trim());
    else errors.push(`${parsed.message} (in ${where})`);
  };
  for (const [name, value] of parseProperties(texts.properties ?? "")) take(name, value, "the properties file", warnings);
  for (const prefix of ["KAFKA_", "BARNABAS_"]) {
    for (const [variable, value] of Object.entries(texts.env ?? {})) {
      if (!variable.startsWith(prefix) || value === undefined || NOT_SETTINGS.has(variable)) continue;
      take(settingNameOf(variable.slice(prefix.length)), value, `the environment variable "${variable}"`, warnings);
    }
  }
  // What somebody typed as a flag just now must mean something.
  for (const [name, value] of texts.flags ?? []) take(name, value, "the flags", errors);
  for (const name of ["listeners", "advertised.listeners"]) {
    const value = given.get(name);
    if (value !== undefined) given.set(name, withoutListeners(value, controllerListeners));
  }
  return { given, warnings, errors };
}

const withoutListeners = (value: string, names: ReadonlySet<string>): string =>
  value.split(",").filter((address) => !names.has(address.split("://")[0]!.trim().toUpperCase())).join(",");

/** The apache/kafka image's rule: `___` is a dash, `__` an underscore, `_` a dot. */
export function settingNameOf(variable: string): string {
  return variable.toLowerCase().replace(/_+/g, (run) => run.length === 3 ? "-" : run.length === 2 ? "_" : run.length === 1 ? "." : run);
}
