/** How a command ends: exit codes as sysexits.h has them, so that scripts can tell what went wrong, and the errors that carry them. */
export const ExitCode = {
  ok: 0,
  /** What was asked for was refused, or only a part of it was done. */
  failed: 1,
  /** Wrong flags or arguments. */
  usage: 64,
  /** What is on the disk is damaged or incomplete. */
  damaged: 65,
  /** No broker answers at the bootstrap addresses. */
  unreachable: 69,
  /** A broken promise of our own, or a disk that cannot be trusted any more. */
  internal: 70,
  /** Settings that cannot be used. */
  config: 78,
  /** Ended by Ctrl-C, as shells count it. */
  interrupted: 130,
} as const;

/** What the pages and `--help` say of the codes. */
export const EXIT_CODES: readonly (readonly [code: number, meaning: string])[] = [
  [ExitCode.ok, "done"],
  [ExitCode.failed, "refused, or only partly done; the error says what"],
  [ExitCode.usage, "wrong command, flag or argument"],
  [ExitCode.damaged, "the data is damaged or incomplete: starting would lose acknowledged records; nothing was changed"],
  [ExitCode.unreachable, "no broker answers at the addresses of --bootstrap"],
  [ExitCode.internal, "a bug in Barnabas, or a disk that cannot be trusted any more"],
  [ExitCode.config, "settings that cannot be used"],
  [ExitCode.interrupted, "ended by Ctrl-C (143: by SIGTERM)"],
];

/** The command line itself is wrong. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The command ends with this message and code. An empty message: everything has been said. */
export class CommandFailed extends Error {
  override readonly name = "CommandFailed";
  readonly exitCode: number;
  constructor(message: string, exitCode: number = ExitCode.failed) {
    super(message);
    this.exitCode = exitCode;
  }
}
