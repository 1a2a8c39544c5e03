import { resetSync } from "@logtape/logtape";
import { afterEach, describe, expect, test } from "bun:test";
import { configureLog, type LogFormat, type LogLevel, logOf } from "../../lib/telemetry/mod.ts";

function lines(level: LogLevel, format: LogFormat): string[] {
  const written: string[] = [];
  configureLog({ level, format, write: (line) => written.push(line) });
  return written;
}

describe("logOf()", () => {
  afterEach(() => resetSync());

  test("writes one JSON object a line, with room, event and properties", () => {
    const written = lines("info", "json");
    logOf("storage")("warn", "A sync takes long", { op: "wal.sync", elapsedMs: 1200, path: "wal/1", big: 5n, cause: new Error("EIO") });
    expect(written).toHaveLength(1);
    expect(written[0]).toEndWith("}\n");
    const { time, ...rest } = JSON.parse(written[0]!) as Record<string, unknown>;
    expect(new Date(time as string).toISOString()).toBe(time as string);
    expect(rest).toEqual({
      level: "warning",
      room: "storage",
      event: "A sync takes long",
      op: "wal.sync",
      elapsedMs: 1200,
      path: "wal/1",
      big: 5,
      cause: "EIO",
    });
  });

  test("keeps a property that is named like a field of the line", () => {
    const written = lines("info", "json");
    logOf("broker")("info", "x", { level: 3, room: "kitchen" });
    expect(JSON.parse(written[0]!)).toMatchObject({ level: "info", room: "broker", level_: 3, room_: "kitchen" });
  });

  test("writes text that breaks no line and quotes what is not a plain word", () => {
    const written = lines("info", "text");
    logOf("broker")("error", "Closed a connection", { peer: "10.0.0.1:5", why: "two\nlines", count: 2 });
    expect(written).toHaveLength(1);
    expect(written[0]!.slice(25)).toBe('ERROR   broker: Closed a connection peer=10.0.0.1:5 why="two\\nlines" count=2\n');
  });

  const levels = ["debug", "info", "warn", "error"] as const;
  for (const [at, level] of levels.entries()) {
    test(`at "${level}" leaves out what is below`, () => {
      const written = lines(level, "json");
      for (const each of levels) logOf("node")(each, each);
      expect(written.map((line) => (JSON.parse(line) as { event: string }).event)).toEqual(levels.slice(at));
    });
  }

  test("a second configuration takes the place of the first", () => {
    const first = lines("info", "json");
    const second = lines("info", "json");
    logOf("node")("info", "once");
    expect([first.length, second.length]).toEqual([0, 1]);
  });

  test("unconfigured, writes nothing and throws nothing", () => {
    const written = lines("debug", "json");
    resetSync();
    logOf("node")("error", "unheard");
    expect(written).toEqual([]);
  });
});
