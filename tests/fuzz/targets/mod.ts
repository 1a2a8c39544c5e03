/** Every target, in the order in which they run. */
import type { Target } from "../target.ts";
import { messages } from "./messages.ts";

export const TARGETS: readonly Target[] = [messages];
