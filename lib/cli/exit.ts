/** Exit codes as sysexits.h has them, so that scripts can tell what went wrong. */
export const ExitCode = {
  failed: 1,
  /** Wrong flags. */
  usage: 64,
  /** A broken promise of our own, or a disk that cannot be trusted any more. */
  internal: 70,
  /** Settings that cannot be used. */
  config: 78,
} as const;

/** The command line itself is wrong. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
