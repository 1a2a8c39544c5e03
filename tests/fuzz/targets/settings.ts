/**
 * `server.properties` and the environment: whatever is in them, settings come out or a list of problems, each with its place. No line and no variable
 * of ours goes unmentioned.
 */
import {
  brokerSettings,
  explainSettings,
  kafkaOnly,
  type LoadedSettings,
  loadSettings,
  NodeSettings,
  parseListeners,
  parseProperties,
  type SettingTexts,
  variableOf,
} from "../../../lib/config/mod.ts";
import type { Draws } from "../../../lib/sim/random.ts";
import { bytesOf, damaged, someText, textOf } from "../text.ts";
import { must, type Target } from "../target.ts";

const NAMES: readonly string[] = [
  ...brokerSettings.map(({ name }) => name),
  // Near enough: the patterns' words without what makes them patterns.
  ...kafkaOnly.flatMap(({ names }) => names.source.replace(/\(\?:|[\^$\\()?*+]/g, "").split("|")),
  "listener.security.protocol.map",
  "cleanup.policy",
];
const VALUES = [
  "1",
  "-1",
  "1000",
  "true",
  "none",
  "PLAINTEXT://0.0.0.0:9092",
  "PLAINTEXT://:9092,CONTROLLER://:9093",
  "SASL_SSL://h:1",
  "1@localhost:9093",
  "broker,controller",
  "compact,delete",
  "producer",
  "debug",
  "127.0.0.1:0",
  "Some(1)",
];
const VARIABLES = [
  "KAFKA_LOG4J_ROOT_LOGLEVEL",
  "KAFKA_HEAP_OPTS",
  "CLUSTER_ID",
  "KAFKA_SERVICE_PORT",
  "BARNABAS_",
  "KAFKA_",
  "KAFKA___",
  "PATH",
];
const SEPARATORS = ["=", "=", "=", ":", " ", " = ", "\t", ""];
const ENDS = ["\n", "\n", "\n", "\r\n", "\r", "\\\n  ", "\n\n", "\n# ", "\f\n"];

export const settings: Target = {
  name: "settings",
  inputsInTest: 800,
  generate(draws) {
    const source = draws.pick(["file", "file", "environment", "flags"]);
    let text = "";
    for (let lines = draws.below(6); lines >= 0; lines--) text += source === "file" ? fileLine(draws) : pairLine(source, draws);
    return {
      about: { source, explained: draws.chance(0.05) ? 1 : 0 },
      bytes: bytesOf(source === "file" && draws.chance(0.2) ? damaged(text, draws) : text),
    };
  },
  check({ about, bytes }) {
    const text = textOf(bytes);
    if (about["source"] === "file") return checkFile(text, about["explained"] === 1);
    // Pairs of one source, by a sign that is in none of them.
    const pairs = text.split("\u0001").flatMap((pair): [string, string][] => {
      const at = pair.indexOf("\u0002");
      return at < 0 ? [] : [[pair.slice(0, at), pair.slice(at + 1)]];
    });
    const texts = about["source"] === "flags" ? { flags: new Map(pairs) } : { env: Object.fromEntries(pairs) };
    checkLoaded(texts, about["explained"] === 1);
  },
};

function fileLine(draws: Draws): string {
  return someText(draws, NAMES) + draws.pick(SEPARATORS) + someText(draws, VALUES) + draws.pick(ENDS);
}

function pairLine(source: string, draws: Draws): string {
  const name = draws.chance(0.3) ? draws.pick(VARIABLES) : draws.pick(NAMES);
  const written = source === "environment" && draws.chance(0.8) ? variableOf(name, draws.pick(["KAFKA_", "BARNABAS_"])) : name;
  return `${written}\u0002${someText(draws, VALUES)}\u0001`;
}

function checkFile(text: string, explained: boolean): void {
  const { lines, problems } = parseProperties(text);
  const count = text.split(/\r\n|[\r\n]/).length;
  must(lines.every(({ line }) => line >= 1 && line <= count), "A setting stands in a line that there is not");
  for (const problem of problems) {
    const line = Number(/^line (\d+): ./.exec(problem)?.[1]);
    must(line >= 1 && line <= count, () => `A problem without its line: ${problem}`);
  }
  const { told, errors } = checkLoaded({ properties: text }, explained);
  for (const { line } of lines) {
    const where = `line ${line} of the properties file`;
    must([...told.values()].some((all) => all.some((one) => one.where === where)), () => `Line ${line} was lost`);
  }
  must(problems.every((problem) => errors.some((error) => error.includes(problem))), "A problem of the file was lost");
}

function checkLoaded(texts: SettingTexts, explained: boolean): LoadedSettings {
  const loaded = loadSettings(texts);
  const { told, understood, ignored, errors, warnings, given } = loaded;
  for (const [name, all] of told) {
    const isMentioned = understood.some((one) => one.name === name) ||
      ignored.some((one) => all.some(({ written }) => one.name === written || one.name === name)) ||
      errors.some((error) => all.some(({ written, where }) => error.includes(written) || error.includes(name) || error.includes(where)));
    must(isMentioned, () => `"${name}" is neither understood nor ignored nor refused`);
  }
  for (const message of [...errors, ...warnings]) must(/^[A-Z"].{12}/s.test(message), () => `"${message}" says nothing`);
  for (const { why, group } of ignored) must(why !== "" && group !== "", "Ignored without a reason");
  if (explained) explainSettings(loaded);
  // What was not refused is there to be used.
  const { values } = new NodeSettings(given);
  const planned = parseListeners(values);
  must(planned.ok || planned.problems.length > 0, "Listeners are refused without a reason");
  return loaded;
}
