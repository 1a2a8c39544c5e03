/**
 * Structured log events. Rooms log to a category; only the executable configures where lines go. Quiet when healthy: what is written
 * names operation, target, elapsed, budget and cause (law 10). Must not touch the console itself: it is given a way to write.
 */
import { configureSync, getLogger, type LogRecord, resetSync } from "@logtape/logtape";
import type { LogRing } from "./log_ring.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";
export const LOG_LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];
export type LogFormat = "text" | "json";
export type Properties = Readonly<Record<string, unknown>>;

export type Log = (level: LogLevel, event: string, properties?: Properties) => void;

/** The log of a room. */
export function logOf(room: string): Log {
  const logger = getLogger(["barnabas", room]);
  return (level, event, properties = {}) => logger[level](event, { ...properties });
}

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Takes one line with its line break. */
  readonly write: (line: string) => void;
  /** Keeps the last lines, as JSON whatever the format. */
  readonly ring?: LogRing;
}

export interface ConfiguredLog {
  /** From the next line on. */
  setLevel(level: LogLevel): void;
}

/** For the whole process; an application that embeds brokers configures logtape itself instead. */
export function configureLog({ level, format, write, ring }: LogOptions): ConfiguredLog {
  const lines = (record: LogRecord) => {
    ring?.push(asJson(record));
    write((format === "json" ? asJson(record) : asText(record)) + "\n");
  };
  const setLevel = (level: LogLevel) => {
    resetSync();
    configureSync({
      sinks: { lines },
      loggers: [
        { category: ["barnabas"], sinks: ["lines"], lowestLevel: level === "warn" ? "warning" : level },
        { category: ["logtape", "meta"], sinks: ["lines"], lowestLevel: "warning" },
      ],
    });
  };
  setLevel(level);
  return { setLevel };
}

const room = (record: LogRecord): string => record.category.slice(1).join(".");
const event = (record: LogRecord): string => record.message.map(String).join("");

function asJson(record: LogRecord): string {
  const line: Record<string, unknown> = {
    time: new Date(record.timestamp).toISOString(),
    level: record.level,
    room: room(record),
    event: event(record),
  };
  for (const [name, value] of Object.entries(record.properties)) line[name in line ? `${name}_` : name] = readable(value);
  return JSON.stringify(line);
}

function asText(record: LogRecord): string {
  const time = new Date(record.timestamp).toISOString();
  const rest = Object.entries(record.properties).map(([name, value]) => {
    const text = readable(value);
    return ` ${name}=${typeof text === "string" && /^[\w.:/-]+$/.test(text) ? text : JSON.stringify(text)}`;
  });
  return `${time} ${record.level.toUpperCase().padEnd(7)} ${room(record)}: ${event(record)}${rest.join("")}`;
}

const readable = (value: unknown): unknown => value instanceof Error ? value.message : typeof value === "bigint" ? Number(value) : value;
