/**
 * Records as lines of JSON: what `consume --format json` prints and `produce --format json` takes, so that one feeds the other; and the
 * lines of `kcat -J`. Text stays text; bytes that are not UTF-8 are in `keyBase64` and `valueBase64`.
 */
import type { IncomingRecord, OutgoingRecord } from "../../client/mod.ts";
import { CommandFailed } from "../exit.ts";

const STRICT = { fatal: true, ignoreBOM: true } as const;

export function jsonLine({ topic, partition, offset, timestamp, key, value, headers }: IncomingRecord): string {
  const decoder = new TextDecoder("utf-8", STRICT);
  return JSON.stringify({
    topic,
    partition,
    offset,
    timestamp,
    ...textOrBytes("key", key, decoder),
    ...textOrBytes("value", value, decoder),
    headers: headers.map((header) => ({ key: header.key, ...textOrBytes("value", header.value, decoder) })),
  });
}

function textOrBytes(name: "key" | "value", bytes: Uint8Array | null, decoder: TextDecoder): Readonly<Record<string, string | null>> {
  if (bytes === null) return { [name]: null };
  try {
    return { [name]: decoder.decode(bytes) };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return { [`${name}Base64`]: bytes.toBase64() };
  }
}

type Fields = Omit<OutgoingRecord, "topic">;

const JSON_FORM = 'an object like {"key":"a","value":"b","headers":{"c":"d"},"partition":0,"timestamp":1767225600000}';

/** A line of `consume --format json`, or one written by hand. What is no text (a number, an object) goes as its JSON. @throws {CommandFailed} */
export function recordOfJson(line: string): Fields {
  const from = parsed(line);
  const partition = wholeNumber(from, "partition");
  const timestamp = wholeNumber(from, "timestamp");
  return {
    key: bytesOf(from, "key"),
    value: bytesOf(from, "value"),
    headers: headersOf(from["headers"]),
    ...(partition === null ? {} : { partition }),
    ...(timestamp === null ? {} : { timestamp }),
  };
}

/** A line of `kcat -J`. @throws {CommandFailed} */
export function recordOfKcat(line: string): Fields {
  const from = parsed(line);
  const flat = from["headers"] ?? [];
  if (!Array.isArray(flat) || flat.length % 2 !== 0) throw new CommandFailed('"headers" is not a list of names and values');
  const headers = flat.flatMap((name, at) => at % 2 === 0 ? [{ key: String(name), value: encoded(flat[at + 1]) }] : []);
  const timestamp = wholeNumber(from, "ts");
  return { key: bytesOf(from, "key"), value: bytesOf(from, "payload"), headers, ...(timestamp === null ? {} : { timestamp }) };
}

function parsed(line: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Readonly<Record<string, unknown>>;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new CommandFailed(`No JSON (${error.message}): expected ${JSON_FORM}`);
  }
  throw new CommandFailed(`No JSON object: expected ${JSON_FORM}`);
}

function wholeNumber(from: Readonly<Record<string, unknown>>, name: string): number | null {
  const value = from[name];
  if (value === undefined || value === null) return null;
  if (typeof value === "number" && Number.isSafeInteger(value)) return value;
  throw new CommandFailed(`"${name}" is ${JSON.stringify(value)}: expected a whole number`);
}

function bytesOf(from: Readonly<Record<string, unknown>>, name: string): Uint8Array | null {
  const base64 = from[`${name}Base64`];
  if (base64 === undefined) return encoded(from[name]);
  if (typeof base64 !== "string") throw new CommandFailed(`"${name}Base64" is no text`);
  return fromBase64(base64, `"${name}Base64"`);
}

/** @throws {CommandFailed} */
export function fromBase64(text: string, what: string): Uint8Array {
  try {
    return Uint8Array.fromBase64(text.trim());
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new CommandFailed(`${what} is not base64`);
  }
}

function encoded(value: unknown): Uint8Array | null {
  if (value === undefined || value === null) return null;
  return new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
}

function headersOf(from: unknown): NonNullable<OutgoingRecord["headers"]> {
  if (from === undefined || from === null) return [];
  if (typeof from !== "object") throw new CommandFailed('"headers" is neither an object nor a list of key and value');
  if (!Array.isArray(from)) return Object.entries(from).map(([key, value]) => ({ key, value: encoded(value) }));
  return from.map((header: unknown) => {
    if (typeof header !== "object" || header === null || !("key" in header) || typeof header.key !== "string") {
      throw new CommandFailed(`"headers" has ${JSON.stringify(header)}: expected {"key":"a","value":"b"}`);
    }
    return { key: header.key, value: bytesOf(header as Readonly<Record<string, unknown>>, "value") };
  });
}
