/** From what a command threw to one line and an exit code. The line says what happened, and what to do where that is known. */
import type { KafkaError } from "../client/mod.ts";
import { DeadlineExceeded, IoFailed } from "../io/mod.ts";
import { CommandFailed, ExitCode, UsageError } from "./exit.ts";

export interface End {
  /** Empty: nothing is to be said. */
  readonly message: string;
  readonly exitCode: number;
}

/** What to do about an error of the cluster, where the error itself does not say. */
const ADVICE: Readonly<Record<string, string>> = {
  UNKNOWN_TOPIC_OR_PARTITION: '"barnabas topic list" shows what there is',
  TOPIC_ALREADY_EXISTS: "choose another name, or say --if-not-exists",
  GROUP_ID_NOT_FOUND: '"barnabas group list" shows what there is',
  NON_EMPTY_GROUP: 'stop its members first, or remove them with "barnabas group remove-member"',
  GROUP_SUBSCRIBED_TO_TOPIC: "stop its members first",
  INVALID_REPLICATION_FACTOR: '"barnabas cluster brokers" shows how many brokers there are',
  UNSUPPORTED_VERSION: 'the brokers are too old or too new for this; "barnabas cluster features" shows what they serve',
};

export function isKafkaError(error: unknown): error is KafkaError {
  return error instanceof Error && error.name === "KafkaError";
}

/** The error of one thing of several, with advice. */
export function explained(error: KafkaError): string {
  const advice = ADVICE[error.error];
  return advice === undefined ? error.message : `${error.message}: ${advice}`;
}

/** @throws {UsageError} as it is: how to use the command is the caller's. */
export function endOf(error: unknown, bootstrap: string): End {
  if (error instanceof UsageError) throw error;
  if (error instanceof CommandFailed) return { message: error.message, exitCode: error.exitCode };
  if (isBrokenPipe(error)) return { message: "", exitCode: ExitCode.ok };
  if (isKafkaError(error)) {
    if (error.error === "NETWORK_EXCEPTION") return { message: unreachable(bootstrap, error.message), exitCode: ExitCode.unreachable };
    return { message: explained(error), exitCode: ExitCode.failed };
  }
  if (error instanceof IoFailed || error instanceof DeadlineExceeded) return { message: error.message, exitCode: ExitCode.failed };
  if (isOutputFailure(error)) return { message: `Cannot write the output: ${error.message}`, exitCode: ExitCode.failed };
  return {
    message: `This is a bug, please report it: ${error instanceof Error ? error.stack ?? error.message : String(error)}`,
    exitCode: ExitCode.internal,
  };
}

export function unreachable(bootstrap: string, why: string): string {
  return `Cannot reach a broker at "${bootstrap}": ${why}; is it running? Say where with --bootstrap or BARNABAS_BOOTSTRAP`;
}

/** The system did not take our output: a full disk, for one. */
function isOutputFailure(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  const { code, syscall } = error as { readonly code?: unknown; readonly syscall?: unknown };
  return typeof code === "string" && syscall === "write";
}

/** Whoever read our output has seen enough (`| head`). */
export function isBrokenPipe(error: unknown): boolean {
  return error instanceof Error && (error as { readonly code?: unknown }).code === "EPIPE";
}
