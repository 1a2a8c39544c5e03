/**
 * The text of a `.properties` file, as Java reads it: comments, `=` or `:` or a blank between name and value, escapes, continued lines. It
 * is read as UTF-8, of which the ASCII that Java's own rule asks for is a part. Source: java.util.Properties.load.
 */

export interface PropertyLine {
  readonly name: string;
  readonly value: string;
  /** Where it begins, from 1. */
  readonly line: number;
}

export interface PropertiesText {
  /** In the order of the file, a name that comes twice included. */
  readonly lines: readonly PropertyLine[];
  /** What cannot be read: `line 3: …`. */
  readonly problems: readonly string[];
}

export function parseProperties(content: string): PropertiesText {
  const found: PropertyLine[] = [];
  const problems: string[] = [];
  const lines = content.replace(/^\uFEFF/, "").split(/\r\n|[\r\n]/);
  for (let i = 0; i < lines.length; i++) {
    const number = i + 1;
    const parts = [withoutIndent(lines[i]!)];
    if (parts[0] === "" || parts[0]!.startsWith("#") || parts[0]!.startsWith("!")) continue;
    while (goesOn(parts.at(-1)!)) {
      parts.push(parts.pop()!.slice(0, -1));
      parts.push(withoutIndent(lines[++i] ?? ""));
    }
    const line = parts.join("");
    const name = /^(?:\\.|[^\\=:\t\f ])*/su.exec(line)![0];
    const value = /^[\t\f ]*[=:]?[\t\f ]*(.*)$/su.exec(line.slice(name.length))![1]!;
    const broken = /(?<!\\)(?:\\\\)*(\\u(?![0-9a-fA-F]{4}).{0,4})/su.exec(line)?.[1];
    if (broken !== undefined) {
      problems.push(`line ${number}: "${broken}" is no letter: write four hexadecimal digits after \\u, or \\\\ for a backslash`);
    } else found.push({ name: unescape(name), value: unescape(value), line: number });
  }
  return { lines: found, problems };
}

/** An odd number of backslashes at its end; the last one escapes the line break. */
const goesOn = (line: string): boolean => (line.length - line.replace(/(?<!\\)\\+$/, "").length) % 2 === 1;

const withoutIndent = (line: string): string => line.replace(/^[\t\f ]+/, "");

const LETTERS: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", f: "\f" };

const unescape = (text: string): string =>
  text.replace(
    /\\(?:u([0-9a-fA-F]{4})|(.))/gsu,
    (_, hex: string | undefined, letter: string) => hex ? String.fromCharCode(parseInt(hex, 16)) : LETTERS[letter] ?? letter,
  );
