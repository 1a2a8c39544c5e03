/** The other rules of the house. Each takes files and answers with problems, so that tests can plant a sample that must be found. */
import { basename } from "node:path/posix";
import { lineOf, type Source } from "./source.ts";

/** A pattern on bare code: no comment and no string can trip it. */
interface Ban {
  readonly pattern: RegExp;
  readonly why: string;
}

const at = (file: Source, text: string, index: number, problem: string) => `${file.path}:${lineOf(text, index)}: ${problem}`;

function findAll(file: Source, text: string, bans: readonly Ban[]): readonly string[] {
  return bans.flatMap(({ pattern, why }) =>
    [...text.matchAll(new RegExp(pattern, "g"))].map((match) => at(file, text, match.index, `"${match[0].trim()}": ${why}`))
  );
}

const IO_ONLY = "belongs behind the Io that the room is given (law 1)";
const RAW_MACHINE: readonly Ban[] = [
  { pattern: /\bBun\b/, why: IO_ONLY },
  { pattern: /(?<![.\w])process\s*[.[]/, why: IO_ONLY },
  { pattern: /(?<![.\w])Deno\s*[.[]/, why: IO_ONLY },
  { pattern: /\bDate\s*\.\s*now\b|\bnew\s+Date\s*(?:\(\s*\)|(?![\s(]))/, why: IO_ONLY },
  { pattern: /(?<![.\w])performance\s*\./, why: IO_ONLY },
  { pattern: /(?<![.\w])(?:setTimeout|setInterval|setImmediate|queueMicrotask|clearTimeout|clearInterval)\b/, why: IO_ONLY },
  { pattern: /\bMath\s*\.\s*random\b/, why: IO_ONLY },
  { pattern: /(?<![.\w])crypto\s*\.|\brandomUUID\b|\bgetRandomValues\b/, why: IO_ONLY },
  { pattern: /(?<![.\w]|function |async )fetch\s*\((?![^()]*\)\s*(?::|\{))/, why: IO_ONLY },
  { pattern: /\bglobalThis\b|\beval\s*\(|\bnew\s+(?:Worker|WebSocket|XMLHttpRequest|EventSource)\b/, why: IO_ONLY },
  { pattern: /\b(?:WeakRef|FinalizationRegistry)\b/, why: "runs when the garbage collector likes: nothing may depend on that" },
];

/** The disk, the net, clocks, timers and randomness are named in lib/io only. */
export function rawMachine(file: Source): readonly string[] {
  return findAll(file, file.code, RAW_MACHINE);
}

/** Nothing fails unheard. A comment is no answer to a failure, so a block with only that in it counts as empty. */
export function swallowedErrors(file: Source): readonly string[] {
  return findAll(file, file.code, [
    { pattern: /\bcatch\s*(?:\([^)]*\)\s*)?\{\s*\}/, why: "swallows a failure" },
    { pattern: /\.catch\(\s*(?:async\s*)?\(?[\w\s:,]*\)?\s*=>\s*(?:\{\s*\}|undefined|null|void 0)\s*\)/, why: "swallows a failure" },
    { pattern: /\.catch\(\s*function\s*\w*\s*\([^)]*\)\s*\{\s*\}\s*\)/, why: "swallows a failure" },
  ]);
}

/** What is written is done. Searched in comments and strings too. */
export function unfinished(file: Source): readonly string[] {
  return findAll(file, file.text, [{ pattern: /\b(?:TODO|FIXME|XXX|HACK)\b|\b[Nn]ot (?:yet )?implemented\b/, why: "is unfinished" }]);
}

export const LINES_MAX = 400;

/** A file answers one question. */
export function tooLong(file: Source, allowed: Readonly<Record<string, string>>): readonly string[] {
  const lines = file.text.split("\n").length - 1;
  const isAllowed = (allowed[file.path] ?? "") !== "";
  if (lines > LINES_MAX && !isAllowed) return [`${file.path}: ${lines} lines, look for the second question in it`];
  if (lines <= LINES_MAX && file.path in allowed) return [`${file.path}: ${lines} lines, take it off the list`];
  return [];
}

/** One sentence on its job at least. */
export function headComment(file: Source): readonly string[] {
  return /^(?:\/\*\*[\s\S]{20,}?\*\/|\/\/ .{20,})/.test(file.text) ? [] : [`${file.path}: has no head comment`];
}

const WORDS = /(?:Manager|Helper|Util|Utils|Service)$/;

/** Words that say nothing, in the names of classes and files. */
export function emptyWords(file: Source): readonly string[] {
  const classes = [...file.code.matchAll(/\bclass\s+(\w+)/g)]
    .filter(([, name]) => WORDS.test(name!))
    .map((match) => at(file, file.code, match.index, `"${match[1]}" says nothing: name what it is`));
  const name = basename(file.path);
  return /^[a-z0-9_]+(?:\.d)?\.ts$/.test(name) && !/(?:manager|helper|utils?|service)\.ts$/.test(name)
    ? classes
    : [...classes, `${file.path}: files are snake_case and named after what they hold`];
}

/** State belongs to an object that somebody owns. A `let` at the left margin belongs to nobody. */
export function moduleState(file: Source): readonly string[] {
  return findAll(file, file.code, [
    { pattern: /(?<=^|\n)(?:export\s+)?(?:let|var)\s+\w+/, why: "is state of a module" },
    { pattern: /(?<=\n\s+)private\s+(?!constructor)\w+/, why: "is private to the compiler only: use #" },
  ]);
}

/** All tests run, and all of them. */
export function heldBackTests(file: Source): readonly string[] {
  return findAll(file, file.code, [
    { pattern: /\b(?:test|it|describe)\s*\.\s*(?:only|skip|todo|skipIf|todoIf|if|failing)\b/, why: "holds tests back" },
    { pattern: /(?<![.\w])x(?:test|it|describe)\s*\(/, why: "holds tests back" },
  ]);
}

/** A test that sleeps is slow where it passes and wrong where the machine is busy. A limit on waiting is no sleep. */
export function sleepingTests(file: Source): readonly string[] {
  return findAll(file, file.code, [
    { pattern: /\bBun\s*\.\s*sleep(?:Sync)?\b/, why: "sleeps on the real clock" },
    { pattern: /new\s+Promise(?:<[^>]*>)?\(\s*\(?(\w+)\)?\s*=>\s*setTimeout\(\s*\1\s*,/, why: "sleeps on the real clock" },
  ]);
}

/** Names that are right on one machine only. Project addresses that documents link to are fine. */
export function machineNames(path: string, text: string): readonly string[] {
  const bans = [
    /registry\.(?:npmjs|yarnpkg)\.\w+(?!\/)/,
    /https?:\/\/(?!registry\.npmjs\.org\/)[\w.-]*(?:registry|artifactory|nexus|mirror)[\w.-]*/,
    /(?:pypi|goproxy|repo1?\.maven)\.[\w.-]+/,
    /(?<![\w.~/-])\/(?:work|root|home\/\w+|Users\/\w+)\//,
  ];
  return bans.flatMap((ban) => {
    const match = ban.exec(text);
    return match === null ? [] : [`${path}:${lineOf(text, match.index)}: "${match[0]}" is a registry or a path of some machine`];
  });
}

/** Every package has its row and its reason, every row its package. */
export function dependencyRows(manifest: Manifest, page: string): readonly string[] {
  const rows = new Map([...page.matchAll(/^\| `([^`]+)` \|(.*)\|\s*$/gm)].map(([, name, reason]) => [name!, reason!.trim()]));
  const packages = [...Object.keys(manifest.dependencies ?? {}), ...Object.keys(manifest.devDependencies ?? {})];
  return [
    ...packages.filter((name) => (rows.get(name) ?? "").length < 20).map((name) => `"${name}" has no reason in docs/dependencies.md`),
    ...[...rows.keys()].filter((name) => !packages.includes(name)).map((name) =>
      `"${name}" is in docs/dependencies.md but not in package.json`
    ),
    ...packages.filter((name) => !/^\d/.test({ ...manifest.dependencies, ...manifest.devDependencies }[name]!)).map((name) =>
      `"${name}" is not pinned`
    ),
  ];
}

export interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** What comments name as `HAZARDS W1` is explained in docs/hazards.md, and pages that are not in the repository are not named. */
export function citations(file: Source, page: string): readonly string[] {
  const known = new Set([...page.matchAll(/^\| ([A-Z]\d+) \|/gm)].map(([, name]) => name));
  const cited = [...file.text.matchAll(/HAZARDS ((?:[A-Z]\d+(?:-[A-Z]?\d+)?(?:, | and )?)+)/g)];
  return [
    ...cited.flatMap((match) =>
      (match[1]!.match(/[A-Z]\d+/g) ?? []).filter((name) => !known.has(name)).map((name) =>
        at(file, file.text, match.index, `${name} is not in docs/hazards.md`)
      )
    ),
    ...findAll(file, file.text, [{
      pattern: /\b(?:DESIGN|STYLE|PROTOCOL)(?:\.md| (?:section|idea|\d|"))/,
      why: "is no page of this repository",
    }]),
  ];
}

/** The table of handlers against the files beside it. */
export function handlerTable(table: Source, files: readonly string[]): readonly string[] {
  const imported = table.imports.map(({ specifier }) => specifier).filter((specifier) => specifier.startsWith("./"));
  const list = /HANDLERS[^=]*=\s*\[([\s\S]*?)\n\];/.exec(table.code)?.[1] ?? "";
  const listed = [...list.matchAll(/(?:^|\n)\s*(\w+)/g)].map(([, name]) => name!);
  const expected = files.map((file) => basename(file, ".ts")).sort();
  const camel = expected.map((name) => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()));
  const problems = expected
    .filter((name, index) => !imported.includes(`./${name}.ts`) || !listed.includes(camel[index]!))
    .map((name) => `handlers/${name}.ts is not in handlers/mod.ts`);
  if (imported.join() !== imported.toSorted().join()) problems.push("handlers/mod.ts: imports are not sorted");
  if (listed.join() !== listed.toSorted().join()) problems.push("handlers/mod.ts: the list is not sorted");
  return problems;
}

/** A handler has the test of its name, or one of its family that imports it. */
export function handlerTests(handlers: readonly string[], tests: readonly Source[]): readonly string[] {
  return handlers.filter((path) => {
    const name = basename(path, ".ts");
    return !tests.some((test) =>
      basename(test.path) === `${name}_test.ts` || test.imports.some(({ specifier }) => specifier.endsWith(`/handlers/${name}.ts`))
    );
  }).map((path) => `${path}: no test imports it`);
}
