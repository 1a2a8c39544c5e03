/**
 * A source file as the rules see it: its text, its text without comments, its bare code without the insides of strings, and its imports.
 * Lines keep their numbers in all of them. Reads TypeScript well enough to tell these apart; it is no parser.
 */

export interface Source {
  /** From the top of the repository, with slashes. */
  readonly path: string;
  readonly text: string;
  /** Comments are blanks. */
  readonly withoutComments: string;
  /** Comments are blanks, and so is what is in strings, templates and regular expressions, but for `${…}`. */
  readonly code: string;
  readonly imports: readonly Import[];
}

export interface Import {
  readonly specifier: string;
  readonly typeOnly: boolean;
  readonly line: number;
}

export function source(path: string, text: string): Source {
  const { withoutComments, code } = blank(text);
  return { path, text, withoutComments, code, imports: importsOf(withoutComments) };
}

export function lineOf(text: string, index: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at >= 0 && at < index; at = text.indexOf("\n", at + 1)) line++;
  return line;
}

const STATEMENT =
  /(?:^|[;\n])\s*(import|export)\s+(type\s)?([^;"'`()]*?)\bfrom\s*"([^"\n]+)"|(?:^|[;\n])\s*import\s*"([^"\n]+)"|\bimport\(\s*"([^"\n]+)"\s*\)/g;

function importsOf(text: string): readonly Import[] {
  return [...text.matchAll(STATEMENT)].map((match) => {
    const [, , type, clause = "", from, bare, dynamic] = match;
    const names = /^\s*\{([^}]*)\}\s*$/.exec(clause)?.[1]?.split(",").map((name) => name.trim()).filter((name) => name !== "") ?? [];
    // `typeof import("…")` is a type; any other `import("…")` loads.
    const typeOf = dynamic !== undefined && /(?:typeof|:)\s*$/.test(text.slice(0, match.index));
    return {
      specifier: from ?? bare ?? dynamic ?? "",
      typeOnly: type !== undefined || typeOf || (names.length > 0 && names.every((name) => name.startsWith("type "))),
      line: lineOf(text, match.index + match[0].length),
    };
  });
}

const spaces = (text: string) => text.replace(/[^\n]/g, " ");
/** What may stand before a `/` that begins a regular expression. */
const BEFORE_REGEXP = /(?:^|[(,=:[!&|?{};<>+*%~^-]|=>|\b(?:return|typeof|case|in|of|do|else|await|yield|void|throw))\s*$/;

/** Walks once over the text; a stack of brace depths says which `}` ends a `${`. */
function blank(text: string): { readonly withoutComments: string; readonly code: string } {
  let withoutComments = "";
  let code = "";
  const templates: number[] = [];
  let depth = 0;
  let at = 0;
  const emit = (end: number, kind: "comment" | "string" | "code") => {
    const part = text.slice(at, end);
    withoutComments += kind === "comment" ? spaces(part) : part;
    code += kind === "code" ? part : kind === "comment" ? spaces(part) : part[0] + spaces(part.slice(1, -1)) + part.at(-1);
    at = end;
  };
  const template = () => {
    let end = at + 1;
    while (end < text.length && text[end] !== "`") {
      if (text[end] === "\\") end++;
      else if (text[end] === "$" && text[end + 1] === "{") {
        templates.push(depth++);
        return emit(end + 2, "string");
      }
      end++;
    }
    emit(Math.min(end + 1, text.length), "string");
  };
  while (at < text.length) {
    const here = text[at]!;
    if (text.startsWith("//", at)) emit(endOf(text, "\n", at), "comment");
    else if (text.startsWith("/*", at)) emit(Math.min(endOf(text, "*/", at + 2) + 2, text.length), "comment");
    else if (here === '"' || here === "'") emit(quoted(text, at, here), "string");
    else if (here === "`") template();
    else if (here === "/" && BEFORE_REGEXP.test(code.slice(-80))) emit(regexp(text, at), "string");
    else if (here === "}" && templates.at(-1) === depth - 1) {
      depth = templates.pop()!;
      template();
    } else {
      if (here === "{") depth++;
      else if (here === "}") depth--;
      emit(at + 1, "code");
    }
  }
  return { withoutComments, code };
}

function endOf(text: string, mark: string, from: number): number {
  const end = text.indexOf(mark, from);
  return end < 0 ? text.length : end;
}

function quoted(text: string, start: number, quote: string): number {
  let end = start + 1;
  while (end < text.length && text[end] !== quote && text[end] !== "\n") end += text[end] === "\\" ? 2 : 1;
  return Math.min(end + 1, text.length);
}

function regexp(text: string, start: number): number {
  let end = start + 1;
  for (let inClass = false; end < text.length && text[end] !== "\n"; end++) {
    if (text[end] === "\\") end++;
    else if (text[end] === "[") inClass = true;
    else if (text[end] === "]") inClass = false;
    else if (text[end] === "/" && !inClass) break;
  }
  for (end++; /[a-z]/.test(text[end] ?? ""); end++);
  return Math.min(end, text.length);
}
