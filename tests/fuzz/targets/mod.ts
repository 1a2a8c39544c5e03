/** Every target, in the order in which they run. */
import type { Target } from "../target.ts";
import { batches } from "./batches.ts";
import { codecs } from "./codecs.ts";
import { commands } from "./commands.ts";
import { connections } from "./connections.ts";
import { files } from "./files.ts";
import { http } from "./http.ts";
import { logs } from "./logs.ts";
import { messages } from "./messages.ts";
import { payloads } from "./payloads.ts";
import { replies } from "./replies.ts";
import { settings } from "./settings.ts";

export const TARGETS: readonly Target[] = [
  messages,
  payloads,
  batches,
  codecs,
  logs,
  files,
  settings,
  commands,
  replies,
  connections,
  http,
];
