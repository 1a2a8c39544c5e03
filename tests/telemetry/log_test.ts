import { resetSync } from "@logtape/logtape";
import { afterEach, describe, expect, test } from "bun:test";
import { configureLog, type LogFormat, type LogLevel, logOf, LogRing } from "../../lib/telemetry/mod.ts";

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

  test("setLevel() acts from the next line on, also for logs that were there before", () => {
    const written: string[] = [];
    const log = logOf("node");
    const configured = configureLog({ level: "error", format: "json", write: (line) => written.push(line) });
    log("info", "before");
    configured.setLevel("debug");
    log("debug", "between");
    configured.setLevel("warn");
    log("info", "after");
    expect(written.map((line) => (JSON.parse(line) as { event: string }).event)).toEqual(["between"]);
  });

  test("keeps the last lines in a ring, as JSON whatever is written", () => {
    const ring = new LogRing({ linesMax: 2 });
    configureLog({ level: "info", format: "text", write: () => {}, ring });
    for (const event of ["one", "two", "three"]) logOf("node")("info", event);
    logOf("node")("debug", "below");
    expect(ring.lines().map((line) => (JSON.parse(line) as { event: string }).event)).toEqual(["two", "three"]);
  });

  test("unconfigured, writes nothing and throws nothing", () => {
    const written = lines("debug", "json");
    resetSync();
    logOf("node")("error", "unheard");
    expect(written).toEqual([]);
  });
});

describe("LogRing", () => {
  test("holds no more than so many lines and characters, the newest", () => {
    const ring = new LogRing({ linesMax: 3, charsMax: 10 });
    for (const line of ["aaaa", "bbbb", "cc", "d"]) ring.push(line);
    expect(ring.lines()).toEqual(["bbbb", "cc", "d"]);
    ring.push("eeeeeeeee");
    expect(ring.lines()).toEqual(["d", "eeeeeeeee"]);
    ring.push("f".repeat(50));
    expect(ring.lines()).toEqual(["f".repeat(10)]);
  });
});
