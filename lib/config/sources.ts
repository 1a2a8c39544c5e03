/**
 * Where settings are written: flags, environment, a properties file, what the installation brings. Finds what each of them says, under
 * Kafka's name of the setting; judges no value. Names of variables follow the rule of the apache/kafka image.
 */
import { brokerSettings } from "./broker_settings.ts";
import { parseProperties } from "./properties.ts";
import type { Setting } from "./setting.ts";

export interface SettingTexts {
  /** By setting name. */
  readonly flags?: ReadonlyMap<string, string>;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Content of a `server.properties`. */
  readonly properties?: string;
  /** What an image or a package sets below everything that its user says. */
  readonly installation?: ReadonlyMap<string, string>;
}

/** From the one that counts least. */
export const SOURCES = ["installation", "file", "environment", "flags"] as const;
export type SettingsSource = (typeof SOURCES)[number];

export interface Told {
  /** The name that the setting has here: of `broker.id` it is `node.id`. */
  readonly name: string;
  /** As it was written. */
  readonly written: string;
  readonly value: string;
  readonly source: SettingsSource;
  /** `KAFKA_NODE_ID`, `line 3 of the properties file`. */
  readonly where: string;
}

/** A variable that is no setting, and that its user should hear about. */
export interface OtherVariable {
  readonly name: string;
  readonly group: string;
  readonly why: string;
}

export interface Sources {
  /** What counts least comes first; of one name, the last counts. */
  readonly told: readonly Told[];
  readonly others: readonly OtherVariable[];
  readonly warnings: readonly string[];
  readonly errors: readonly string[];
}

const CANONICAL: ReadonlyMap<string, string> = new Map(
  (brokerSettings as readonly Setting[]).flatMap(({ name, aliases = [] }) => aliases.map((alias) => [alias, name] as const)),
);
const canonical = (name: string): string => CANONICAL.get(name) ?? name;

const JAVA = { group: "Java", why: "there is no Java machine: memory is bounded by queued.max.request.bytes and wal.queue.bytes.max" };
const LOG4J = { group: "logging", why: "logging.level says what is logged, and the log goes to standard error" };

/** Variables of the image that are not settings. */
const VARIABLES: readonly (readonly [RegExp, { readonly group: string; readonly why: string } | null])[] = [
  [/^KAFKA_(?:HEAP_OPTS|OPTS|JVM_PERFORMANCE_OPTS|GC_LOG_OPTS|JMX_OPTS|JMX_PORT|JMX_HOSTNAME)$/, JAVA],
  [/^KAFKA_(?:LOG4J_OPTS|LOG4J_LOGGERS|TOOLS_LOG4J_LOGLEVEL)$/, LOG4J],
  // Who says where a program is, or which, means no setting.
  [/^KAFKA_(?:VERSION|HOME)$/, null],
  // What the other commands talk to.
  [/^BARNABAS_(?:BOOTSTRAP|ADMIN_URL)$/, null],
  // What Kubernetes tells every pod of a service that is called "kafka" or "barnabas".
  [/^(?:KAFKA|BARNABAS)(?:_\w+)?_(?:SERVICE_(?:HOST|PORT(?:_\w+)?)|PORT(?:_\d+_(?:TCP|UDP)(?:_(?:PROTO|PORT|ADDR))?)?)$/, null],
];

const LOG4J_LEVELS: ReadonlyMap<string, string> = new Map([
  ["trace", "debug"],
  ["fatal", "error"],
  ["off", "error"],
  ["warning", "warn"],
  ["all", "debug"],
]);

export function readSources({ flags, env = {}, properties = "", installation }: SettingTexts): Sources {
  const others: OtherVariable[] = [];
  const file = parseProperties(properties);
  const layers: readonly (readonly Told[])[] = [
    listed(installation, "installation", "the installation"),
    file.lines.map(({ name, value, line }) => told(name, value, "file", `line ${line} of the properties file`)),
    variables(env, "KAFKA_", others),
    variables(env, "BARNABAS_", others),
    listed(flags, "flags", "the flags"),
  ];
  return {
    told: layers.flatMap(ownNamesLast),
    others,
    warnings: layers.flatMap(contradictions),
    errors: file.problems.map((problem) => `Cannot read the properties file: ${problem}`),
  };
}

const told = (written: string, value: string, source: SettingsSource, where: string): Told => ({
  name: canonical(written),
  written,
  value,
  source,
  where,
});

const listed = (texts: ReadonlyMap<string, string> = new Map(), source: SettingsSource, where: string): readonly Told[] =>
  [...texts].map(([name, value]) => told(name, value, source, where));

/** A variable without a value counts as not set, as compose files leave them. */
function variables(env: Readonly<Record<string, string | undefined>>, prefix: string, others: OtherVariable[]): readonly Told[] {
  const found: Told[] = [];
  for (const [variable, value = ""] of Object.entries(env)) {
    if (value === "") continue;
    if (prefix === "KAFKA_" && variable === "CLUSTER_ID") found.push(told("cluster.id", value, "environment", variable));
    if (!variable.startsWith(prefix)) continue;
    const known = VARIABLES.find(([pattern]) => pattern.test(variable));
    if (known !== undefined) {
      if (known[1] !== null) others.push({ name: variable, ...known[1] });
    } else if (variable === "KAFKA_LOG4J_ROOT_LOGLEVEL") {
      const level = value.trim().toLowerCase();
      found.push(told("logging.level", LOG4J_LEVELS.get(level) ?? level, "environment", variable));
    } else found.push(told(settingNameOf(variable.slice(prefix.length)), value, "environment", variable));
  }
  return found;
}

/** The rule of the apache/kafka image: `_` is a dot, `__` an underscore, `___` a dash. */
export function settingNameOf(variable: string): string {
  return variable.toLowerCase().replaceAll("_", ".").replaceAll("...", "-").replaceAll("..", "_");
}

/** `KAFKA_NODE_ID` or `BARNABAS_NODE_ID`: what stands for the setting in the environment. */
export function variableOf(name: string, prefix: "KAFKA_" | "BARNABAS_" = "KAFKA_"): string {
  return prefix + name.replaceAll("_", "__").replaceAll("-", "___").replaceAll(".", "_").toUpperCase();
}

/** Within one source a setting's own name counts more than another name for it, wherever it stands. */
const ownNamesLast = (layer: readonly Told[]): readonly Told[] => [
  ...layer.filter(({ name, written }) => name !== written),
  ...layer.filter(({ name, written }) => name === written),
];

/** One source that says two things of one setting. */
function contradictions(layer: readonly Told[]): readonly string[] {
  return [...Map.groupBy(ownNamesLast(layer), ({ name }) => name).values()].flatMap((same) => {
    const last = same.at(-1)!;
    const other = same.find(({ value }) => value.trim() !== last.value.trim());
    if (other === undefined) return [];
    return [`"${other.written}" of ${other.where} does not count: "${last.written}" of ${last.where} says otherwise`];
  });
}
