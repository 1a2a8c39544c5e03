/**
 * What a command says: data to standard output (a table, or JSON with --json), talk to standard error. Colours only on a terminal. Control
 * characters in names that come from a cluster are shown, not sent to the terminal.
 */
import type { HostProcess } from "../io/real/process.ts";

export interface OutputOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly color: boolean;
}

export type Cell = string | number | null;

export interface Column {
  readonly title: string;
  readonly align?: "right";
}

export type Style = "bold" | "dim" | "red" | "green" | "yellow";
const STYLES: Readonly<Record<Style, number>> = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 };

export class Output {
  readonly #host: HostProcess;
  readonly #options: OutputOptions;

  constructor(host: HostProcess, options: OutputOptions) {
    this.#host = host;
    this.#options = options;
  }

  get isJson(): boolean {
    return this.#options.json;
  }
  get isQuiet(): boolean {
    return this.#options.quiet;
  }

  /** The result of the command: `value` with --json, else what `text` makes of it. */
  async result(value: unknown, text: () => string): Promise<void> {
    await this.data(this.#options.json ? `${JSON.stringify(value, null, 2)}\n` : text());
  }

  /** To standard output; resolves when it is taken. @throws {Error} with code `EPIPE` when nobody reads any more. */
  async data(bytes: string | Uint8Array): Promise<void> {
    if (bytes.length > 0) await this.#host.write(bytes);
  }

  /** Talk: what was done, what comes next. Not with --quiet. */
  note(text: string): void {
    if (!this.#options.quiet) this.#host.writeError(`${text}\n`);
  }

  /** What went wrong, on one line. */
  error(text: string): void {
    this.#host.writeError(`${this.style("red", "Error:", this.#host.isTerminal)} ${oneLine(text)}\n`);
  }

  /** Rows under titles; `-` for what is not known. No rows, no titles. */
  table(columns: readonly Column[], rows: readonly (readonly Cell[])[]): string {
    if (rows.length === 0) return "";
    const texts = rows.map((row) => row.map((cell) => cell === null || cell === "" ? "-" : visible(String(cell))));
    const widths = columns.map(({ title }, at) => Math.max(title.length, ...texts.map((row) => this.#host.textWidth(row[at] ?? ""))));
    const line = (cells: readonly string[]) =>
      cells.map((cell, at) => {
        const pad = " ".repeat(widths[at]! - this.#host.textWidth(cell));
        return columns[at]!.align === "right" ? pad + cell : at === cells.length - 1 ? cell : cell + pad;
      }).join("  ");
    return [this.style("bold", line(columns.map(({ title }) => title))), ...texts.map(line)].join("\n") + "\n";
  }

  /** Names and values below each other. */
  fields(pairs: readonly (readonly [name: string, value: Cell])[]): string {
    const width = Math.max(...pairs.map(([name]) => name.length));
    return pairs.map(([name, value]) =>
      `${this.style("bold", name)}${" ".repeat(width - name.length)}  ${value === null || value === "" ? "-" : visible(String(value))}\n`
    ).join("");
  }

  style(style: Style, text: string, isTerminal = this.#host.isOutTerminal): string {
    return this.#options.color && isTerminal ? `\x1b[${STYLES[style]}m${text}\x1b[0m` : text;
  }
}

/** Control characters as `\x1b`: what comes from elsewhere must not drive the terminal. */
export function visible(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\x00-\x1f\x7f-\x9f]/g, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

function oneLine(text: string): string {
  return visible(text.trim().replace(/\s*\n\s*/g, "; "));
}
