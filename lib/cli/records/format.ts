/** How `consume` prints a record: a format string, or one of the named forms. Compiled once; writes bytes, so that binary values stay whole. */
import type { IncomingRecord } from "../../client/mod.ts";
import { UsageError } from "../exit.ts";
import { visible } from "../output.ts";
import { timeText } from "../values.ts";
import type { ByteSink } from "./byte_sink.ts";
import { jsonLine } from "./json_lines.ts";

export type RecordWriter = (record: IncomingRecord, sink: ByteSink) => void;

export const FORMAT_HELP = `A format is text with these in it:
  %t topic   %p partition   %o offset   %T timestamp in milliseconds   %D timestamp as a date
  %k key     %v or %s value   %h headers as a=1,b=2   %K %S lengths of key and value (-1: null)   %% a percent sign
  \\n \\t \\r \\0 \\\\ \\xNN as in most languages
or one word: "json" (one object a line), "raw" (values, nothing between), "hex" (values, one a line).`;

export interface FormatOptions {
  /** Control characters in keys, values and headers are shown instead of sent: for a terminal. */
  readonly safe: boolean;
}

/** @throws {UsageError} naming what means nothing. */
export function compileFormat(format: string, { safe }: FormatOptions): RecordWriter {
  if (format === "json") return (record, sink) => sink.text(`${jsonLine(record)}\n`);
  if (format === "raw") return ({ value }, sink) => value && sink.bytes(value);
  if (format === "hex") return ({ value }, sink) => sink.text(`${value?.toHex() ?? ""}\n`);
  const bytes = safe ? shown : (value: Uint8Array, sink: ByteSink) => sink.bytes(value);
  const parts: RecordWriter[] = [];
  let text = "";
  const flush = () => {
    if (text === "") return;
    const fixed = new TextEncoder().encode(text);
    parts.push((_, sink) => sink.bytes(fixed));
    text = "";
  };
  for (let at = 0; at < format.length; at++) {
    if (format[at] === "\\") {
      const { character, length } = escaped(format, at);
      text += character;
      at += length - 1;
    } else if (format[at] === "%" && format[at + 1] === "%") {
      text += "%";
      at++;
    } else if (format[at] === "%") {
      flush();
      parts.push(field(format, ++at, bytes));
    } else text += format[at];
  }
  flush();
  return (record, sink) => {
    for (const part of parts) part(record, sink);
  };
}

type WriteBytes = (value: Uint8Array, sink: ByteSink) => void;

/** Invalid UTF-8 becomes the replacement character, as a terminal would show it; line feeds and tabs stay. */
const shown: WriteBytes = (value, sink) => {
  sink.text(
    new TextDecoder().decode(value).split(/([\n\t])/).map((part) => part === "\n" || part === "\t" ? part : visible(part)).join(""),
  );
};

function field(format: string, at: number, bytes: WriteBytes): RecordWriter {
  switch (format[at]) {
    case "t":
      return ({ topic }, sink) => sink.text(topic);
    case "p":
      return ({ partition }, sink) => sink.text(String(partition));
    case "o":
      return ({ offset }, sink) => sink.text(String(offset));
    case "T":
      return ({ timestamp }, sink) => sink.text(String(timestamp));
    case "D":
      return ({ timestamp }, sink) => sink.text(timeText(timestamp));
    case "k":
      return ({ key }, sink) => key && bytes(key, sink);
    case "v":
    case "s":
      return ({ value }, sink) => value && bytes(value, sink);
    case "K":
      return ({ key }, sink) => sink.text(String(key?.length ?? -1));
    case "S":
      return ({ value }, sink) => sink.text(String(value?.length ?? -1));
    case "h":
      return ({ headers }, sink) => {
        for (const [index, { key, value }] of headers.entries()) {
          sink.text(`${index === 0 ? "" : ","}${visible(key)}=`);
          if (value) bytes(value, sink);
        }
      };
    default:
      throw new UsageError(`Invalid format "${format}": "%${format[at] ?? ""}" means nothing; there are %t %p %o %k %v %h %T %D %K %S %%`);
  }
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", "0": "\0", "\\": "\\" };

/** The character that an escape at `at` stands for. @throws {UsageError} */
function escaped(text: string, at: number): { readonly character: string; readonly length: number } {
  const hex = /^\\x([0-9a-fA-F]{2})/.exec(text.slice(at, at + 4));
  if (hex) return { character: String.fromCharCode(parseInt(hex[1]!, 16)), length: 4 };
  const character = ESCAPES[text[at + 1] ?? ""];
  if (character === undefined) {
    throw new UsageError(`Invalid text "${text}": "\\${text[at + 1] ?? ""}" means nothing; there are \\n \\t \\r \\0 \\\\ \\xNN`);
  }
  return { character, length: 2 };
}

/** Text of a flag in which escapes stand for characters. @throws {UsageError} */
export function unescaped(text: string): string {
  let out = "";
  for (let at = 0; at < text.length; at++) {
    if (text[at] !== "\\") {
      out += text[at];
      continue;
    }
    const { character, length } = escaped(text, at);
    out += character;
    at += length - 1;
  }
  return out;
}
