/**
 * The rules of the house, run over every tracked file. Each rule is shown a planted sample first, so that none of them passes because it
 * sees nothing. The law of rooms itself is in tests/tidy/rooms.ts.
 */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { lawItself, lawOfRooms, ROOMS } from "./tidy/rooms.ts";
import * as rules from "./tidy/rules.ts";
import { type Source, source } from "./tidy/source.ts";

const root = join(import.meta.dir, "..");
const listed = Bun.spawnSync(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: root, stderr: "ignore" });
/** A copy without its repository is searched by folders. */
const tracked = listed.exitCode === 0
  ? listed.stdout.toString().split("\0").filter((path) => path !== "")
  : ["lib", "tests", "bench", "scripts", "docs", ".ci"].flatMap((
    top,
  ) => [...new Bun.Glob(`${top}/**/*`).scanSync({ cwd: root, dot: true })])
    .concat([...new Bun.Glob("*").scanSync({ cwd: root, dot: true })]);

/** Deleted but not yet committed files are still listed. */
const texts = new Map<string, string>();
for (const path of tracked) {
  const file = Bun.file(join(root, path));
  if (/\.(?:ts|mjs|js|json|md|py|txt|xml|c|java|yml|yaml)$|^(?:Dockerfile|\.ci\/run)$/.test(path) && await file.exists()) {
    texts.set(path, await file.text());
  }
}
const pick = (pattern: RegExp): readonly Source[] =>
  [...texts].filter(([path]) => pattern.test(path)).map(([path, text]) => source(path, text));
const lib = pick(/^lib\/.*(?<!\.d)\.ts$/);
const doors = pick(/^(?:main|mod)\.ts$/);
const tests = pick(/^tests\/.*\.ts$/);
const product = [...lib, ...doors];

/** The rule must find the sample and must let the harmless one be. */
function planted(rule: (file: Source) => readonly string[], path: string, bad: readonly string[], good: readonly string[]): void {
  for (const text of bad) expect({ text, problems: rule(source(path, text)).length }).toEqual({ text, problems: 1 });
  for (const text of good) expect({ text, problems: rule(source(path, text)) }).toEqual({ text, problems: [] });
}

test("the rules see the files", () => {
  expect(lib.length).toBeGreaterThan(150);
  expect(tests.length).toBeGreaterThan(40);
});

describe("source()", () => {
  test("tells code from comments, strings, templates and regular expressions", () => {
    const { code, withoutComments } = source(
      "a.ts",
      'const a = "Bun"; // Bun\nconst b = `x${Bun.c}y${`${d}`}`; /* Bun\n */ const e = /"Bun/g / 2;',
    );
    expect(code.replace(/ +/g, " ")).toBe('const a = " "; \nconst b = ` {Bun.c} {` {d}`}`; \n const e = / g / 2;');
    expect(withoutComments).toContain('"Bun"');
  });

  test("knows what an import takes", () => {
    const { imports } = source(
      "a.ts",
      'import type { A } from "./a.ts";\nimport { type B,\n type C } from "./b.ts";\nimport { type D, e } from "./d.ts";\nexport * from "./e.ts";\nconst f = await import("./f.ts");\n// import "./g.ts"\nimport "./h.ts";',
    );
    expect(imports.map(({ specifier, typeOnly, line }) => [specifier, typeOnly, line])).toEqual([
      ["./a.ts", true, 1],
      ["./b.ts", true, 3],
      ["./d.ts", false, 4],
      ["./e.ts", false, 5],
      ["./f.ts", false, 6],
      ["./h.ts", false, 8],
    ]);
  });
});

describe("the law of rooms", () => {
  const refuses = (path: string, text: string) => lawOfRooms(source(path, text));

  test("finds an arrow that it does not have", () => {
    expect(refuses("lib/raft/a.ts", 'import { a } from "../storage/mod.ts";')).toHaveLength(1);
    expect(refuses("lib/storage/a.ts", 'import { a } from "../broker/mod.ts";')).toHaveLength(1);
    expect(refuses("lib/protocol/a.ts", 'const a = import("../io/mod.ts");')).toHaveLength(1);
    expect(refuses("lib/rumour/a.ts", "")).toHaveLength(1);
    expect(refuses("lib/rumour.ts", "")).toHaveLength(1);
    expect(refuses("lib/raft/a.ts", 'import { a } from "../../tests/a.ts";')).toHaveLength(1);
  });

  test("finds a room entered by the window", () => {
    expect(refuses("lib/broker/a.ts", 'import { a } from "../storage/wal/a.ts";')).toHaveLength(1);
    expect(refuses("lib/broker/a.ts", 'import { a } from "../storage/types.ts";')).toHaveLength(1);
    expect(refuses("lib/broker/a.ts", 'import type { a } from "../storage/wal/a.ts";')).toHaveLength(1);
    expect(refuses("lib/broker/a.ts", 'import type { a } from "../storage/types.ts";')).toEqual([]);
    expect(refuses("lib/broker/a.ts", 'import { a } from "../storage/mod.ts";')).toEqual([]);
  });

  test("finds an import of values where only types are allowed", () => {
    expect(refuses("lib/storage/a.ts", 'import { a } from "../raft/mod.ts";')).toHaveLength(1);
    expect(refuses("lib/storage/a.ts", 'import type { a } from "../raft/mod.ts";')).toEqual([]);
  });

  test("finds packages and the real machine in rooms that have no use for them", () => {
    expect(refuses("lib/state/a.ts", 'import { readFile } from "node:fs";')).toHaveLength(1);
    expect(refuses("lib/broker/a.ts", 'import { Hono } from "hono";')).toHaveLength(1);
    expect(refuses("lib/broker/a.ts", 'import { createRealIo } from "../io/real/mod.ts";')).toHaveLength(1);
  });

  test("finds cycles, arrows to nowhere and arrows without a reason in itself", () => {
    expect(lawItself({ a: { imports: { b: "x" } }, b: { imports: { a: "x" } } })).toHaveLength(1);
    expect(lawItself({ a: { imports: { b: "x" } } })).toHaveLength(1);
    expect(lawItself({ a: { imports: { b: " " } }, b: { imports: {} } })).toHaveLength(1);
    expect(lawItself()).toEqual([]);
  });

  test("has fifteen rooms at most", () => {
    expect(Object.keys(ROOMS).filter((room) => !["node", "embed", "connect", "version"].includes(room)).length).toBeLessThanOrEqual(15);
  });

  test("holds in lib", () => {
    expect(lib.flatMap((file) => lawOfRooms(file))).toEqual([]);
  });
});

describe("the machine is behind lib/io", () => {
  test("finds raw names", () => {
    planted(rules.rawMachine, "lib/broker/a.ts", [
      "const a = Bun.file(b);",
      "const a = Date.now();",
      "const a = new Date();",
      "const a = performance.now();",
      "setTimeout(a, 1);",
      "const { a } = { a: setInterval };",
      "setImmediate(a);",
      "queueMicrotask(a);",
      "const a = Math.random();",
      "const a = crypto.randomBytes(4);",
      "const a = process.env;",
      "const a = await fetch(b);",
      "const a = globalThis;",
      "const a = `${Bun}`;",
      "const a = new WeakRef(b);",
    ], [
      "const a = new Date(ms).toISOString();",
      "const a = await partition.fetch(b);",
      "class A { fetch(b: C): D { return b; } }",
      "// Date.now()\nconst a = 'process.roles';",
      "const a = io.clock.setTimer; this.process.stop();",
    ]);
  });

  test("no room names them", () => {
    expect(lib.filter(({ path }) => !path.startsWith("lib/io/")).flatMap(rules.rawMachine)).toEqual([]);
  });
});

describe("no failure is swallowed", () => {
  test("finds empty catches", () => {
    planted(rules.swallowedErrors, "lib/a/a.ts", [
      "try { a(); } catch {}",
      "try { a(); } catch (error) { /* fine */ }",
      "a().catch(() => {});",
      "a().catch((_error) => undefined);",
      "a().catch(() => {\n // never mind\n});",
    ], [
      "try { a(); } catch { return null; }",
      "a().catch((error) => log(error));",
      "// catch {}",
    ]);
  });

  test("product, scripts and benchmarks", () => {
    // A test may silence a promise that it asserts on later.
    expect([...product, ...pick(/^(?:scripts|bench)\/.*\.(?:ts|mjs)$/)].flatMap(rules.swallowedErrors)).toEqual([]);
  });
});

describe("what is written is done", () => {
  test("finds what is left for later", () => {
    const mark = (word: string) => `// ${word}: later`;
    planted(rules.unfinished, "lib/a/a.ts", [
      mark("TO" + "DO"),
      mark("FIX" + "ME"),
      mark("XX" + "X"),
      mark("HA" + "CK"),
      'throw new Error("Not implemented");',
    ], [
      "const hacker = 1;",
    ]);
  });

  test("product, scripts and benchmarks", () => {
    expect([...product, ...pick(/^(?:scripts|bench)\/.*\.(?:ts|mjs)$/)].flatMap(rules.unfinished)).toEqual([]);
  });
});

describe("files", () => {
  /** Longer than a file should be, and why it still is one question. */
  const LONG: Readonly<Record<string, string>> = {};

  test("are not long", () => {
    expect(rules.tooLong(source("lib/a/a.ts", "a\n".repeat(rules.LINES_MAX + 1)), {})).toHaveLength(1);
    expect(rules.tooLong(source("lib/a/a.ts", "a\n"), { "lib/a/a.ts": "was long" })).toHaveLength(1);
    expect(lib.flatMap((file) => rules.tooLong(file, LONG))).toEqual([]);
  });

  test("say at the head what they are for", () => {
    planted(rules.headComment, "lib/a/a.ts", ["const a = 1;", "/** a */"], ["/** Splits frames out of a stream of bytes. */"]);
    // A test file is named after its subject, that is its head; what supports tests has one.
    const named = /_test\.ts$/;
    const rest = [...tests.filter(({ path }) => !named.test(path)), ...pick(/^(?:scripts|bench)\/.*\.ts$/)];
    expect([...product, ...rest].flatMap(rules.headComment)).toEqual([]);
  });

  test("cite what a reader finds here", () => {
    const page = "| W1 | a sync fails | … |\n";
    const rule = (text: string) => rules.citations(source("lib/a/a.ts", text), page).length;
    expect([rule("// HAZARDS W1"), rule("// HAZARDS W1, W2 and W3"), rule("// see DESI" + "GN section 4")]).toEqual([0, 2, 1]);
    expect([...product, ...tests].flatMap((file) => rules.citations(file, texts.get("docs/hazards.md") ?? ""))).toEqual([]);
  });

  test("and classes have names that say something", () => {
    const word = (end: string) => `class Topic${end} {}`;
    planted(rules.emptyWords, "lib/a/a.ts", [word("Manager"), word("Helper"), word("Util"), word("Service")], ["class Topics {}"]);
    expect(rules.emptyWords(source("lib/a/fileUtil.ts", ""))).toHaveLength(1);
    expect([...lib, ...tests].flatMap(rules.emptyWords)).toEqual([]);
  });

  test("keep no state of their own", () => {
    planted(rules.moduleState, "lib/a/a.ts", ["let count = 0;", "/** . */\nexport let count = 0;", "class A {\n  private count = 0;\n}"], [
      "function a() {\n  let b = 0;\n}",
      "class A {\n  private constructor() {}\n}",
    ]);
    expect(product.flatMap(rules.moduleState)).toEqual([]);
  });

  test("name no registry and no path of a machine", () => {
    const bad = [
      "https://npm-regi" + "stry.example/a",
      "cd /wo" + "rk/a",
      "see /home" + "/kim/a",
      "goproxy" + ".example",
      "https://mir" + "ror.example/",
    ];
    for (const text of bad) expect({ text, found: rules.machineNames("a.md", text).length }).toEqual({ text, found: 1 });
    const files = [...texts].filter(([path]) => !path.endsWith("package-lock.json"));
    expect(files.flatMap(([path, text]) => rules.machineNames(path, text))).toEqual([]);
  });
});

describe("tests", () => {
  test("all run", () => {
    const held = (word: string) => `test.${word}("a", b);`;
    planted(rules.heldBackTests, "tests/a_test.ts", [held("only"), held("skip"), held("todo"), "describe.skip(a);", held("failing")], [
      'test("only", b);',
    ]);
    expect(tests.filter(({ path }) => !/_(?:compat|crash)\.ts$/.test(path)).flatMap(rules.heldBackTests)).toEqual([]);
  });

  test("never sleep on the real clock", () => {
    planted(rules.sleepingTests, "tests/a_test.ts", ["await Bun.sleep(5);", "await new Promise((resolve) => setTimeout(resolve, 5));"], [
      "const late = setTimeout(() => fail(), 60_000);",
    ]);
    expect(tests.filter(({ path }) => path.endsWith("_test.ts")).flatMap(rules.sleepingTests)).toEqual([]);
  });
});

describe("dependencies", () => {
  const manifest = JSON.parse(texts.get("package.json")!) as rules.Manifest;

  test("have a reason each", () => {
    const sample = { dependencies: { a: "1.0.0", b: "^1.0.0" } };
    expect(rules.dependencyRows(sample, "| `a` | because nothing else does it as well |\n| `c` | because nothing else does it as well |\n"))
      .toEqual([
        '"b" has no reason in docs/dependencies.md',
        '"c" is in docs/dependencies.md but not in package.json',
        '"b" is not pinned',
      ]);
    expect(rules.dependencyRows(manifest, texts.get("docs/dependencies.md") ?? "")).toEqual([]);
  });
});

describe("handlers", () => {
  const files = lib.map(({ path }) => path).filter((path) => /^lib\/broker\/handlers\/(?!mod\.ts)/.test(path));

  test("are all in the table, in order", () => {
    const table = (text: string) => rules.handlerTable(source("mod.ts", text), ["handlers/a_b.ts", "handlers/c.ts"]);
    const imports = 'import { aB } from "./a_b.ts";\nimport { c } from "./c.ts";\n';
    expect(table(`${imports}const HANDLERS = [\n  aB,\n  c,\n];`)).toEqual([]);
    expect(table(`${imports}const HANDLERS = [\n  c,\n  aB,\n];`)).toHaveLength(1);
    expect(table(`${imports}const HANDLERS = [\n  aB,\n];`)).toHaveLength(1);
    expect(rules.handlerTable(lib.find(({ path }) => path === "lib/broker/handlers/mod.ts")!, files)).toEqual([]);
  });

  test("all have a test", () => {
    expect(rules.handlerTests(["lib/broker/handlers/a.ts"], [source("tests/b_test.ts", "")])).toHaveLength(1);
    expect(rules.handlerTests(["lib/broker/handlers/a.ts"], [source("tests/a_test.ts", "")])).toEqual([]);
    expect(rules.handlerTests(files, tests)).toEqual([]);
  });
});
