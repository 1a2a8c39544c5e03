import { describe, expect, test } from "bun:test";
import { command } from "../../lib/cli/declare.ts";
import { UsageError } from "../../lib/cli/exit.ts";
import { parseCommand } from "../../lib/cli/parse.ts";

const sample = command({
  name: "sample",
  summary: "a sample",
  flags: {
    "name": { type: "string", short: "n", value: "NAME", help: "a name", default: "nobody" },
    "key": { type: "string", value: "KEY", help: "a key", mayBeEmpty: true },
    "color": { type: "choice", choices: ["red", "green"], help: "a color" },
    "many": { type: "list", short: "m", value: "ONE", help: "some" },
    "count": { type: "integer", short: "c", value: "N", help: "how many", min: -5, max: 100, env: "SAMPLE_COUNT" },
    "wait": { type: "duration", help: "how long", default: "2s" },
    "size": { type: "size", help: "how large" },
    "loud": { type: "boolean", short: "l", help: "loud" },
  },
  arguments: { first: { label: "FIRST", help: "the first" }, rest: { label: "REST", help: "the rest", optional: true, many: true } },
  examples: [],
  run: () => Promise.resolve(),
});
const parse = (...words: string[]) => parseCommand(sample, words, {});

describe("parseCommand()", () => {
  test("gives every flag its default, null or an empty list", () => {
    expect(parse("a").flags).toEqual({
      "name": "nobody",
      "key": null,
      "color": null,
      "many": [],
      "count": null,
      "wait": 2000,
      "size": null,
      "loud": false,
      "quiet": false,
      "no-color": false,
      "help": false,
    });
  });

  const cases: readonly (readonly [words: string[], flags: object, args?: object])[] = [
    [["a", "--name", "b"], { name: "b" }, { first: "a", rest: [] }],
    [["--name=b=c", "a"], { name: "b=c" }, { first: "a", rest: [] }],
    [["--name=", "a"].slice(1), { name: "nobody" }],
    [["a", "-n", "b"], { name: "b" }],
    [["a", "-nb"], { name: "b" }],
    [["a", "-n=b"], { name: "b" }],
    [["a", "--key", ""], { key: "" }],
    [["a", "--key="], { key: "" }],
    [["a", "--count", "-3"], { count: -3 }],
    [["a", "-c-3"], { count: -3 }],
    [["a", "-m", "1", "--many", "2", "--many=3"], { many: ["1", "2", "3"] }],
    [["a", "-lq"], { loud: true, quiet: true }],
    [["a", "-lc7"], { loud: true, count: 7 }],
    [["--loud", "true"], { loud: true }, { first: "true", rest: [] }],
    [["a", "--wait", "1m30s", "--size", "2KiB"], { wait: 90_000, size: 2048 }],
    [["a", "--", "--name", "-x"], { name: "nobody" }, { first: "a", rest: ["--name", "-x"] }],
    [["-5", "7"], {}, { first: "-5", rest: ["7"] }],
    [["-"], {}, { first: "-", rest: [] }],
    [["a", "--key", "-x"], { key: "-x" }],
    [["a", "--name", "__proto__"], { name: "__proto__" }],
    [["--help", "--count", "5"], { help: true }, {}],
  ];
  for (const [words, flags, args] of cases) {
    test(`reads ${JSON.stringify(words)}`, () => {
      const values = parse(...words);
      expect(values.flags).toMatchObject(flags);
      if (args) expect(values.args).toEqual(args as typeof values.args);
    });
  }

  test("takes a value from the environment when there is no flag", () => {
    expect(parseCommand(sample, ["a"], { SAMPLE_COUNT: "7" }).flags["count"]).toBe(7);
    expect(parseCommand(sample, ["a", "-c", "8"], { SAMPLE_COUNT: "7" }).flags["count"]).toBe(8);
    expect(parseCommand(sample, ["a"], { NO_COLOR: "1" }).flags["no-color"]).toBe(true);
    expect(parseCommand(sample, ["a"], { NO_COLOR: "" }).flags["no-color"]).toBe(false);
    expect(() => parseCommand(sample, ["a"], { SAMPLE_COUNT: "many" })).toThrow('Invalid "SAMPLE_COUNT=many"');
  });

  const refusals: readonly (readonly [words: string[], message: string])[] = [
    [[], "Argument FIRST is missing"],
    [[""], "Argument FIRST is empty"],
    [["a", "--nmae", "b"], 'Unknown flag "--nmae": did you mean "--name"?'],
    [["a", "--constructor"], 'Unknown flag "--constructor"'],
    [["a", "-x"], 'Unknown flag "-x"'],
    [["a", "--name"], 'Flag "--name" needs a value'],
    [["a", "--name="], 'Flag "--name" needs a value'],
    [["a", "--name", "--loud"], 'Flag "--name" needs a value'],
    [["a", "--name", "-l"], 'Flag "--name" needs a value'],
    [["a", "--loud=no"], 'Flag "--loud" takes no value: it is given or left out'],
    [["a", "--color", "blue"], 'Invalid "--color blue": accepted are red, green'],
    [["a", "--count", "1.5"], 'Invalid "--count 1.5": accepted are whole numbers from -5 to 100'],
    [["a", "--count", "101"], 'Invalid "--count 101": accepted are whole numbers from -5 to 100'],
    [["a", "--wait", "5"], 'Invalid "--wait 5": accepted are durations like 500ms, 30s, 5m, 2h, 7d'],
    [["a", "--size", "big"], 'Invalid "--size big": accepted are sizes like 512, 64KiB, 1MiB'],
  ];
  for (const [words, message] of refusals) {
    test(`refuses ${JSON.stringify(words)}`, () => {
      expect(() => parse(...words)).toThrow(UsageError);
      expect(() => parse(...words)).toThrow(message);
    });
  }

  test("refuses an argument too many", () => {
    const none = command({ ...sample, arguments: {}, run: () => Promise.resolve() });
    expect(() => parseCommand(none, ["a"], {})).toThrow('Cannot use "a": sample takes flags only');
    const one = command({ ...sample, arguments: { first: { label: "FIRST", help: "" } }, run: () => Promise.resolve() });
    expect(() => parseCommand(one, ["a", "b"], {})).toThrow('Cannot use "b": sample takes FIRST and flags');
  });
});
