/** `barnabas config explain`: what a setting is, what it takes, where it can be set, and what it comes to. Talks to no cluster. */
import { explainSettings, explainStranger, type Explanation, PRECEDENCE, settingNameOf } from "../config/mod.ts";
import { command } from "./declare.ts";
import { CommandFailed, ExitCode } from "./exit.ts";
import { SETTING_FLAGS, settingFlags } from "./serve_flags.ts";
import { loadFor } from "./serve_settings.ts";

export const explainCommand = command({
  name: "explain",
  summary: "tell what settings are, and what they come to on this machine",
  details: `Without a name: all of them. Takes the flags of serve, its environment and its file, and shows what serve would make of them:
${PRECEDENCE}.`,
  json: "an array of name, of (broker or topic), doc, type, unit, accepted, default, value, from and more",
  flags: SETTING_FLAGS,
  arguments: { name: { label: "NAME", help: "a setting, by its name or its variable", optional: true, completes: "broker-setting" } },
  examples: [
    { command: "barnabas config explain log.retention.ms", does: "one setting" },
    { command: "barnabas config explain --config server.properties", does: "all of them, as that file has them" },
  ],
  async run({ host, out }, { flags, args }) {
    const { loaded, problems } = await loadFor(host, settingFlags(flags));
    // Whoever has a variable in front of him need not know the rule.
    const name = args.name?.replace(/^(?:KAFKA|BARNABAS)_(\w+)$/, (_, variable: string) => settingNameOf(variable)) ?? null;
    const found = explainSettings(loaded, name ?? undefined);
    if (name !== null && found.length === 0) {
      const { isKafkas, text } = explainStranger(name);
      if (!isKafkas) throw new CommandFailed(text, ExitCode.failed);
      await out.result([{ name, of: "kafka", doc: text }], () => `${text}\n`);
      return;
    }
    const columns = [{ title: "OF" }, { title: "NAME" }, { title: "VALUE" }, { title: "FROM" }, { title: "WHAT IT IS" }];
    await out.result(
      found,
      () =>
        name !== null
          ? found.map(explained).join("\n")
          : out.table(columns, found.map(({ of, name, value, from, doc }) => [of, name, value, from, doc])),
    );
    for (const problem of problems) out.error(problem);
    if (problems.length > 0) throw new CommandFailed("", ExitCode.config);
  },
});

/** One setting as paragraphs; the labels have their own column. */
export function explained(one: Explanation): string {
  const { name, of, doc, type, unit, accepted, value, from, overruled, setBy, live, related, kafka, own } = one;
  const standard = `${one.default === "" ? "empty" : one.default}${one.defaultInWords === null ? "" : ` (${one.defaultInWords})`}`;
  const rows: readonly (readonly [string, readonly string[]])[] = [
    ["Type", [`${type}${unit === null ? "" : `, ${unit}`}`]],
    ["Accepted", [accepted]],
    ["Default", [standard]],
    ["Value", [`${value === "" ? "empty" : value}, from ${from}`, ...overruled.map((other) => `not ${other.value}, from ${other.where}`)]],
    ["Set by", setBy],
    ["Changes", [live ? "while the broker runs" : "with a restart"]],
    ["Related", related],
    ["Kafka", [own ? "has no setting of this name" : kafka ?? "has the same"]],
  ];
  const lines = rows.flatMap(([label, texts]) => texts.map((text, at) => `  ${(at === 0 ? label : "").padEnd(8)}  ${text}`));
  return `${name}, a setting of the ${of === "topic" ? "topics" : "broker"}\n  ${doc}\n\n${lines.join("\n")}\n`;
}
