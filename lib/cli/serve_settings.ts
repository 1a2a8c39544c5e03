/** From the flags of `serve`, the environment and a file to settings that can be used, or to every reason why they cannot. Opens nothing. */
import { isLoopback, type LoadedSettings, loadSettings, NodeSettings, parseAddress, parseListeners, reachProblem } from "../config/mod.ts";
import type { HostProcess } from "../io/real/process.ts";
import { bootTopicProblems } from "../node.ts";
import { logOf } from "../telemetry/mod.ts";
import { ExitCode } from "./exit.ts";
import type { ServeFlags, SettingFlags } from "./serve_flags.ts";

export interface ServeSettings {
  readonly loaded: LoadedSettings;
  /** With the defaults in place of what cannot be used. */
  readonly config: NodeSettings;
  /** All of them; a node starts without. */
  readonly problems: readonly string[];
  /** Of a command that has problems. */
  readonly exitCode: number;
  /** What clients may stumble over. */
  readonly notes: readonly string[];
}

export async function serveSettings(host: HostProcess, flags: ServeFlags): Promise<ServeSettings> {
  const { loaded, problems } = await loadFor(host, flags);
  const config = new NodeSettings(loaded.given);
  const all = [
    ...problems,
    ...(flags.insecure ? [] : exposed(config)),
    ...bootTopicProblems(flags.topics, config.values),
  ];
  const planned = parseListeners(config.values);
  const notes = all.length > 0 || !planned.ok ? [] : planned.value.flatMap((listener) => reachProblem(listener) ?? []);
  return { loaded, config, problems: all, exitCode: flags.problems.length > 0 ? ExitCode.usage : ExitCode.config, notes };
}

/** What the sources say, and what is wrong with it. */
export async function loadFor(
  host: HostProcess,
  { configFile, settings, installation, problems }: SettingFlags,
): Promise<{ readonly loaded: LoadedSettings; readonly problems: readonly string[] }> {
  let properties = "";
  const unread: string[] = [];
  if (configFile !== null) {
    try {
      properties = await host.readText(configFile);
    } catch (error) {
      unread.push(`Cannot read the settings in "${configFile}": ${(error as Error).message}`);
    }
  }
  const loaded = loadSettings({ flags: settings, env: host.env, properties, installation });
  return { loaded, problems: [...problems, ...unread, ...loaded.errors] };
}

/** Anything but loopback would let every machine that reaches it read, write and delete: that must be said (HAZARDS S3). */
function exposed(config: NodeSettings): readonly string[] {
  const { listeners, adminListener } = config.values;
  return [...listeners, ...(adminListener === "none" ? [] : [adminListener])].flatMap((text) => {
    const parsed = parseAddress(text);
    // What cannot be parsed is refused with its own message.
    if (!parsed.ok || isLoopback(parsed.value.host)) return [];
    return [
      `Cannot listen at "${text}" without security: anyone who reaches it could read and delete everything. Listen on 127.0.0.1, or say --insecure if the network is trusted`,
    ];
  });
}

const log = logOf("config");

/** What was understood and what not, one line each. What was typed as a flag needs no repetition. */
export function logSettings({ loaded, notes }: ServeSettings): void {
  for (const { name, value, where, note } of loaded.understood) {
    if (where !== "the flags") log("info", "Setting understood", { name, value, where, ...(note === undefined ? {} : { note }) });
  }
  for (const { name, where, group, why } of byGroup(loaded.ignored)) log("warn", "Setting ignored", { name, where, group, why });
  for (const warning of loaded.warnings) log("warn", warning);
  for (const note of notes) log("info", note);
}

/** The same for people, as `serve --check` prints it. */
export function settingsReport({ loaded, problems, notes }: ServeSettings): string {
  const { understood, ignored, warnings } = loaded;
  const width = Math.max(
    0,
    ...understood.map(({ name, value }) => name.length + value.length + 1),
    ...ignored.map(({ name }) => name.length),
  );
  const line = (left: string, right: string) => `  ${left.padEnd(Math.min(width, WIDTH_MAX))}  ${right}`;
  const chapter = (title: string, lines: readonly string[]) => lines.length === 0 ? [] : [`${title} (${lines.length}):`, ...lines];
  const lines = [
    ...chapter(
      "Understood",
      understood.map(({ name, value, where, note }) => line(`${name}=${value}`, note === undefined ? where : `${where}: ${note}`)),
    ),
    ...chapter("Ignored", byGroup(ignored).map(({ name, where, group, why }) => line(name, `${where}: ${group}: ${why}`))),
    ...chapter("Warnings", warnings.map((text) => `  ${text}`)),
    ...chapter("Notes", notes.map((text) => `  ${text}`)),
    ...chapter("Cannot be used", problems.map((text) => `  ${text}`)),
  ];
  const end = problems.length > 0 ? "A node would not start with these settings" : "A node would start with these settings";
  return `${[...lines, end].join("\n")}\n`;
}

const WIDTH_MAX = 60;

const byGroup = <T extends { readonly group: string }>(ignored: readonly T[]): readonly T[] =>
  [...Map.groupBy(ignored, ({ group }) => group).values()].flat();
