/** The text of a `.properties` file, as Java reads it: comments, `=` or `:` or a blank between name and value, escapes, continued lines. */

export function parseProperties(content: string): Map<string, string> {
  const found = new Map<string, string>();
  const lines = content.split(/\r\n|[\r\n]/);
  for (let i = 0; i < lines.length; i++) {
    let line = lines[i]!.trimStart();
    if (line.length === 0 || line.startsWith("#") || line.startsWith("!")) continue;
    while (/(?<!\\)(\\\\)*\\$/.test(line) && i + 1 < lines.length) line = line.slice(0, -1) + lines[++i]!.trimStart();
    const separator = /(?<!\\)(?:\\\\)*(\s*[=:]\s*|\s+)/.exec(line);
    const width = separator?.[1]?.length ?? 0;
    const at = separator ? separator.index + separator[0].length - width : line.length;
    found.set(unescape(line.slice(0, at)), unescape(line.slice(at + width)));
  }
  return found;
}

const unescape = (text: string): string =>
  text.replace(
    /\\(?:u([0-9a-fA-F]{4})|(.))/g,
    (_, hex: string | undefined, letter: string) =>
      hex ? String.fromCharCode(parseInt(hex, 16)) : ({ n: "\n", t: "\t", r: "\r", f: "\f" } as Record<string, string>)[letter] ?? letter,
  );
