/** `barnabas debug`: for when something is wrong. */
import type { CommandGroup } from "./declare.ts";
import { debugBundleCommand } from "./debug_bundle.ts";

export const debugGroup: CommandGroup = { name: "debug", summary: "find out what is wrong", commands: [debugBundleCommand] };
