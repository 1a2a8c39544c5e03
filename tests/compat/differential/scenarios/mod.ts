/** All scenarios, by name, in the order in which they run. */
import * as configs from "./configs.ts";
import * as data from "./data.ts";
import * as groups from "./groups.ts";
import * as topics from "./topics.ts";

export { coordinatorReady } from "./groups.ts";
export const scenarios = { ...topics.scenarios, ...configs.scenarios, ...data.scenarios, ...groups.scenarios };
