/** How `produce` reads: bytes from arguments, files and pipes to records, each with the place it came from. Sends nothing. */
import type { OutgoingRecord } from "../../client/mod.ts";
import type { HostProcess } from "../../io/real/process.ts";
import { CommandFailed, ExitCode } from "../exit.ts";
import { fromBase64, recordOfJson, recordOfKcat } from "./json_lines.ts";

export const INPUT_FORMATS = ["lines", "json", "kcat", "base64", "hex", "raw"] as const;
export type InputFormat = (typeof INPUT_FORMATS)[number];

export interface InputRecord {
  /** For errors: `line 12 of "orders.txt"`. */
  readonly where: () => string;
  readonly record: Omit<OutgoingRecord, "topic">;
}

export interface InputOptions {
  readonly format: InputFormat;
  /** Between key and value of a line; null: lines are values. */
  readonly keySeparator: string | null;
  /** A value that is exactly this is null. */
  readonly nullValue: string | null;
}

/** Longest line, and longest input that is one record: no broker takes more than its `message.max.bytes` anyway. */
export const RECORD_BYTES_MAX = 64 * 1024 * 1024;

/**
 * Records in lots, as the input comes: a promise for each record would cost more than the record.
 * @throws {CommandFailed} for input that is no record, by its place, after what came before it.
 */
export async function* recordsOf(
  source: AsyncIterable<Uint8Array>,
  name: string,
  options: InputOptions,
): AsyncIterable<readonly InputRecord[]> {
  if (options.format === "raw") {
    yield [{ where: () => name, record: { value: await whole(source, name) } }];
    return;
  }
  const read = lineReader(options);
  let line = 0;
  for await (const lines of linesOf(source, name)) {
    yield* readAll(lines, read, line, (at) => `line ${at} of ${name}`);
    line += lines.length;
  }
}

/** Records that were written as arguments. @throws {CommandFailed} as `recordsOf` */
export function* recordsOfArguments(values: readonly string[], options: InputOptions): Iterable<readonly InputRecord[]> {
  const read = options.format === "raw" ? (value: Uint8Array) => ({ value }) : lineReader(options);
  const encoder = new TextEncoder();
  yield* readAll(values.map((value) => encoder.encode(value)), read, 0, (at) => `argument ${at}`);
}

function* readAll(
  lines: readonly Uint8Array[],
  read: ReadLine,
  before: number,
  place: (at: number) => string,
): Iterable<readonly InputRecord[]> {
  const records: InputRecord[] = [];
  let failure: Error | null = null;
  for (const [index, line] of lines.entries()) {
    const at = before + index + 1;
    try {
      records.push({ where: () => place(at), record: read(line) });
    } catch (error) {
      if (!(error instanceof CommandFailed)) throw error;
      failure = new CommandFailed(`Cannot use ${place(at)}: ${error.message}`);
      break;
    }
  }
  if (records.length > 0) yield records;
  if (failure !== null) throw failure;
}

/** The file's bytes; `-` is standard input. @throws {CommandFailed} when it cannot be read. */
export async function* fileBytes(host: HostProcess, path: string, onBytes: (bytes: number) => void): AsyncIterable<Uint8Array> {
  try {
    for await (const chunk of path === "-" ? host.readIn() : host.readFile(path)) {
      onBytes(chunk.length);
      yield chunk;
    }
  } catch (error) {
    throw new CommandFailed(`Cannot read "${path}": ${error instanceof Error ? error.message : String(error)}`, ExitCode.failed);
  }
}

type ReadLine = (line: Uint8Array) => Omit<OutgoingRecord, "topic">;

function lineReader({ format, keySeparator, nullValue }: InputOptions): ReadLine {
  const text = (bytes: Uint8Array) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  if (format === "json") return (line) => recordOfJson(text(line));
  if (format === "kcat") return (line) => recordOfKcat(text(line));
  const decode = format === "base64"
    ? (bytes: Uint8Array) => fromBase64(text(bytes), "The text")
    : format === "hex"
    ? (bytes: Uint8Array) => fromHex(text(bytes))
    : (bytes: Uint8Array) => bytes;
  const separator = keySeparator === null ? null : Buffer.from(keySeparator);
  const nothing = nullValue === null ? null : Buffer.from(nullValue);
  const value = (bytes: Uint8Array) => nothing?.equals(bytes) ? null : decode(bytes);
  return (line) => {
    if (separator === null) return { value: value(line) };
    const at = Buffer.from(line.buffer, line.byteOffset, line.length).indexOf(separator);
    if (at < 0) throw new CommandFailed(`It has no "${keySeparator}" between key and value`);
    return { key: decode(line.subarray(0, at)), value: value(line.subarray(at + separator.length)) };
  };
}

function fromHex(text: string): Uint8Array {
  try {
    return Uint8Array.fromHex(text.trim());
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new CommandFailed("The text is not hexadecimal");
  }
}

const LINE_FEED = 10;

/** Lines without their end, a lot for each chunk. The last one needs none. Each is bytes of its own, valid as long as the caller likes. */
async function* linesOf(source: AsyncIterable<Uint8Array>, name: string): AsyncIterable<readonly Uint8Array[]> {
  let started: Uint8Array[] = [];
  let startedBytes = 0;
  for await (const chunk of source) {
    const lines: Uint8Array[] = [];
    let from = 0;
    // One copy for all of its lines: the source may use the chunk again.
    const bytes = chunk.slice();
    for (let at = bytes.indexOf(LINE_FEED); at >= 0; at = bytes.indexOf(LINE_FEED, from)) {
      const end = bytes.subarray(from, at);
      lines.push(startedBytes === 0 ? end : joined([...started, end]));
      [started, startedBytes, from] = [[], 0, at + 1];
    }
    if (lines.length > 0) yield lines;
    if (from === bytes.length) continue;
    started.push(bytes.subarray(from));
    startedBytes += bytes.length - from;
    if (startedBytes > RECORD_BYTES_MAX) throw tooLarge(name, "line");
  }
  if (startedBytes > 0) yield [joined(started)];
}

async function whole(source: AsyncIterable<Uint8Array>, name: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of source) {
    chunks.push(chunk.slice());
    bytes += chunk.length;
    if (bytes > RECORD_BYTES_MAX) throw tooLarge(name, "record");
  }
  return joined(chunks);
}

function tooLarge(name: string, what: string): CommandFailed {
  return new CommandFailed(`Cannot use ${name}: a ${what} in it is longer than ${RECORD_BYTES_MAX / 1024 / 1024} MiB`);
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(chunks));
}
