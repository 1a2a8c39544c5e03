/** Asks before something is lost. Where there is no terminal to ask on, only --yes will do. */
import type { Context } from "./context.ts";
import { CommandFailed, UsageError } from "./exit.ts";

/** @param what `Delete 2 topics: a, b`. @throws {CommandFailed} for any answer but yes. @throws {UsageError} where nobody can be asked. */
export async function confirm({ host, common }: Context, what: string): Promise<void> {
  if (common.yes) return;
  if (!host.isInTerminal || !host.isTerminal) throw new UsageError(`${what}? Nobody can be asked here: say --yes`);
  const answer = await host.ask(`${what}? [y/N] `);
  if (!/^y(?:es)?$/i.test(answer?.trim() ?? "")) throw new CommandFailed("Nothing was changed: the answer was not yes");
}

/** `2 topics: a, b`; of many names only the first few. */
export function listed(noun: string, names: readonly string[]): string {
  const shown = names.length > NAMES_SHOWN
    ? `${names.slice(0, NAMES_SHOWN).join(", ")} and ${names.length - NAMES_SHOWN} more`
    : names.join(", ");
  return `${counted(names.length, noun)}: ${shown}`;
}

const NAMES_SHOWN = 10;

export function counted(count: number, noun: string): string {
  return `${count.toLocaleString("en-US")} ${noun}${count === 1 ? "" : "s"}`;
}
