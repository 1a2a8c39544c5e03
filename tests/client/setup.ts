/** What tests of the client share: an `Io` whose fatal errors fail the test, and deadlines. */
import { createRealIo } from "../../lib/io/real/mod.ts";
import type { Deadline } from "../../lib/io/mod.ts";

export const io = createRealIo({
  onFatal: (_code, why) => {
    throw new Error(why);
  },
});

export const soon = (budgetMs = 10_000): Deadline => io.deadlines.in("test", budgetMs);
