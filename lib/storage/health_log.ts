/** Says in the log when storage cannot do what it is asked, and when it can again: /readyz says it only while it lasts. */
import type { Clock } from "../io/mod.ts";
import type { StorageLog } from "./settings.ts";
import type { StorageHealth } from "./types.ts";

/** A listener for `onHealth`. What ends the node is told by who ends it. */
export function healthLog(clock: Clock, log: StorageLog): (health: StorageHealth) => void {
  let told: StorageHealth["state"] = "ok";
  let since = 0;
  return ({ state, reason }) => {
    if (state === told || state === "failed") return;
    if (state === "ok") log("info", "Storage goes on", { was: told, ms: Math.round(clock.mono() - since) });
    else log("warn", `Storage is ${state}`, { reason });
    if (told === "ok") since = clock.mono();
    told = state;
  };
}
