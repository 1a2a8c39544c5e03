/**
 * Command lines, format strings and the other small languages of the command line tool: a value that makes sense, or a UsageError; and formats print
 * every record.
 */
import { COMMANDS, isGroup } from "../../../lib/cli/commands.ts";
import type { Command } from "../../../lib/cli/declare.ts";
import { UsageError } from "../../../lib/cli/exit.ts";
import { parseCommand } from "../../../lib/cli/parse.ts";
import { ByteSink } from "../../../lib/cli/records/byte_sink.ts";
import { compileFormat, unescaped } from "../../../lib/cli/records/format.ts";
import { INPUT_FORMATS, recordsOfArguments } from "../../../lib/cli/records/input.ts";
import { CommandFailed } from "../../../lib/cli/exit.ts";
import { parseDuration, parsePairs, parsePartitions, parsePlace, parseSize, parseTopicPartitions } from "../../../lib/cli/values.ts";
import type { IncomingRecord } from "../../../lib/client/mod.ts";
import type { Draws } from "../../../lib/sim/random.ts";
import { bytesOf, someText, textOf } from "../text.ts";
import { type Input, must, type Target } from "../target.ts";

const NOW_MS = 1_700_000_000_000;
const commandsByName = new Map<string, Command>();
/** Between words: in none of them, and an operating system has none in an argument either. */
const BETWEEN = "\u0001";

const FORMATS = [
  "%t",
  "%p",
  "%o",
  "%T",
  "%D",
  "%k",
  "%v",
  "%s",
  "%K",
  "%S",
  "%h",
  "%%",
  "\\n",
  "\\x00",
  "\\xg0",
  "json",
  "raw",
  "hex",
  "%",
  "\\",
  " ",
];
const TEXTS = [
  "1h30m",
  "500ms",
  "64KiB",
  "-10",
  "@1700000000000",
  "2026-01-31T12:00:00Z",
  "orders:0,3-5",
  "0-99999",
  "a=1",
  "earliest",
  "15m",
];
const WORDS = [
  ...TEXTS,
  ...FORMATS,
  "orders",
  "--help",
  "-qy",
  "--json",
  "--bootstrap=h:1",
  "--timeout",
  "--",
  "-",
  "-n10",
  "--set",
  "node.id=1",
];

export const commands: Target = {
  name: "commands",
  inputsInTest: 1_500,
  async open() {
    for (const [name, { load }] of Object.entries(COMMANDS)) {
      const node = await load();
      if (!isGroup(node)) commandsByName.set(name, node);
      else for (const [inner, command] of Object.entries(node.commands)) commandsByName.set(`${name} ${inner}`, command as Command);
    }
  },
  generate,
  check,
};

function generate(draws: Draws): Input {
  switch (draws.below(4)) {
    case 0:
      return { about: { what: "format" }, bytes: bytesOf(words(draws, FORMATS, "")) };
    case 1:
      return { about: { what: "value" }, bytes: bytesOf(someText(draws, TEXTS)) };
    case 2:
      return {
        about: { what: "input", format: draws.pick(INPUT_FORMATS) },
        bytes: bytesOf(someText(draws, ['{"key":"a","value":"b","headers":{"h":"1"}}', "a:b", "0aff", "aGk=", ...WORDS])),
      };
    default: {
      const names = [...commandsByName.keys()];
      const name = draws.pick(names);
      const flags = Object.keys(commandsByName.get(name)!.flags).map((flag) => `--${flag}`);
      return { about: { what: "line", name }, bytes: bytesOf(words(draws, [...WORDS, ...flags, ...flags], BETWEEN)) };
    }
  }
}

const words = (draws: Draws, known: readonly string[], between: string): string =>
  Array.from({ length: draws.below(7) }, () => someText(draws, known).replaceAll(BETWEEN, "")).join(between);

function check({ about, bytes }: Input): void {
  const text = textOf(bytes);
  switch (about["what"]) {
    case "line": {
      const command = commandsByName.get(String(about["name"]))!;
      const values = usage(() => parseCommand(command, text === "" ? [] : text.split(BETWEEN), {}));
      if (values === null || values.flags["help"] === true) return;
      for (const [name, flag] of Object.entries(command.flags)) {
        const value = values.flags[name];
        must(value !== undefined, () => `--${name} has no value at all`);
        if (typeof value === "number") must(Number.isSafeInteger(value), () => `--${name} is ${value}`);
        if (flag.type === "choice" && value !== null) must(flag.choices.includes(String(value)), () => `--${name} is "${String(value)}"`);
      }
      return;
    }
    case "format": {
      for (const safe of [true, false]) {
        const print = usage(() => compileFormat(text, { safe }));
        if (print === null) return;
        const sink = new ByteSink();
        for (const record of RECORDS) print(record, sink);
      }
      return void usage(() => unescaped(text));
    }
    case "input":
      try {
        const options = { format: about["format"] as (typeof INPUT_FORMATS)[number], keySeparator: ":", nullValue: "null" };
        for (const some of recordsOfArguments([text], options)) for (const { where } of some) where();
      } catch (error) {
        if (!(error instanceof CommandFailed)) throw error;
      }
      return;
    default: {
      for (const number of [parseDuration(text), parseSize(text)]) {
        must(number === null || Number.isSafeInteger(number) && number >= 0, () => `"${text}" becomes ${number}`);
      }
      const place = usage(() => parsePlace("--from", text, NOW_MS));
      if (typeof place === "number") must(Number.isSafeInteger(place) && place >= 0, () => `"${text}" becomes the offset ${place}`);
      else if (typeof place === "object" && place !== null) {
        must(Object.values(place).every(Number.isFinite), () => `"${text}" becomes ${JSON.stringify(place)}`);
      }
      usage(() => parsePairs("--set", [text]));
      usage(() => parseTopicPartitions("--topic", text));
      usage(() => parsePartitions("--partitions", text));
    }
  }
}

/** Null when it is refused as it should be. */
function usage<T>(work: () => T): T | null {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    must(error.message.length > 10, "A refusal without a reason");
    return null;
  }
}

/** What a hostile broker can make of a record. */
const RECORDS: readonly IncomingRecord[] = [-1, 0, NOW_MS, 2 ** 63, -(2 ** 63), 8.64e15].map((timestamp, i) => ({
  topic: "orders\u001b[2J",
  partition: 2 ** 31 - 1,
  offset: Number.MAX_SAFE_INTEGER + i,
  timestamp,
  timestampType: "create",
  key: i === 0 ? null : Uint8Array.of(0xff, 0, 27, 10),
  value: i === 1 ? null : Uint8Array.of(0xc3, 0x28, 9),
  headers: i === 2 ? [] : [{ key: "\u001b", value: null }, { key: "", value: Uint8Array.of(0xff) }],
  leaderEpoch: -1,
}));
