import { expect, test } from "bun:test";
import { healthLog } from "../../lib/storage/health_log.ts";
import type { StorageHealth } from "../../lib/storage/mod.ts";

test("healthLog() tells each change once, and how long it took until storage goes on", () => {
  let now = 1_000;
  const lines: unknown[] = [];
  const listener = healthLog({ mono: () => now, wall: () => now }, (...line) => lines.push(line));
  const becomes = (state: StorageHealth["state"], reason: string | null) => listener({ state, syncRunningMs: 0, reason });
  becomes("ok", null);
  becomes("stalled", "a sync hangs");
  now += 500;
  becomes("stalled", "a sync hangs");
  becomes("full", "no space");
  now += 2_000;
  becomes("ok", null);
  becomes("failed", "it is said elsewhere");
  expect(lines).toEqual([
    ["warn", "Storage is stalled", { reason: "a sync hangs" }],
    ["warn", "Storage is full", { reason: "no space" }],
    ["info", "Storage goes on", { was: "full", ms: 2_500 }],
  ]);
});
