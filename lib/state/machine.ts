/**
 * The one shape of every replicated state: metadata, groups, transactions. `decide` looks at the state and answers with the
 * records that would change it and the reply for when they are committed; it changes nothing. `replay` changes the state by one
 * committed record, is total, and never refuses. Both are pure: time arrives as an argument.
 */

export interface Decision<Record, Reply> {
  /** Empty for a refusal or a read. */
  readonly records: readonly Record[];
  /** Leaves only after the records are committed and replayed. */
  readonly reply: Reply;
}

/** `State` is mutable and owned by whoever hosts the machine; `replay` is the only function that changes it. */
export interface Machine<State, Command, Record, Reply> {
  /** @param nowMs wall clock milliseconds, for timestamps inside records. */
  decide(state: State, command: Command, nowMs: number): Decision<Record, Reply>;
  replay(state: State, record: Record): void;
}
