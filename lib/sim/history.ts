/**
 * What clients asked for and what they were told, in the order in which they were told: all that an oracle may look at. The simulator and the
 * tests with real processes write the same, one JSON object a line, so that the same oracles judge both.
 */

/** `failed`: the broker said that it was not done. `unknown`: nobody knows (a deadline passed, a connection broke, the client died). */
export type Told = "ok" | "failed" | "unknown";

interface Op {
  /** Who asked: unique in the run, a new one after a client's restart. */
  readonly client: string;
  /**
   * Milliseconds with their fraction, on one clock for the whole history: when it was asked, when the answer came. For what a consumer was
   * given: no later than when it asked the broker for it.
   */
  readonly askedAt: number;
  readonly toldAt: number;
}
interface OfPartition {
  readonly topic: string;
  readonly partition: number;
}

/** One record. Its value starts with `mark`, which no other record of the run has. */
export interface Produced extends Op, OfPartition {
  readonly kind: "produced";
  readonly mark: string;
  readonly told: Told;
  /** -1 unless told `ok`. */
  readonly offset: number;
  /** Every promise of an idempotent producer holds: at most once, and in the order of asking within (client, partition). */
  readonly idempotent: boolean;
  /** Its producer sends nothing to the partition while anything is under way there, so what was acknowledged is first met in the order of asking. */
  readonly oneByOne?: boolean;
}

/** One record that a consumer was given. Per client and partition in the order given. */
export interface Read extends Op, OfPartition {
  readonly kind: "read";
  readonly offset: number;
  readonly mark: string;
  /** Empty for a consumer without a group. */
  readonly group: string;
}

/** Where a partition ends for readers, as somebody was told. */
export interface Ended extends Op, OfPartition {
  readonly kind: "ended";
  /** Behind the last record. */
  readonly offset: number;
}

/** Where a partition begins for readers, as somebody was told. */
export interface Started extends Op, OfPartition {
  readonly kind: "started";
  readonly offset: number;
}

/** A member of a group was told what is its own; an empty list: nothing any more. */
export interface Assigned extends Op {
  readonly kind: "assigned";
  readonly group: string;
  /** Of a static member its instance id, whose owner may have come back under another member id. */
  readonly member: string;
  readonly generation: number;
  readonly partitions: readonly string[];
}

export interface Committed extends Op, OfPartition {
  readonly kind: "committed";
  readonly group: string;
  readonly member: string;
  readonly generation: number;
  readonly offset: number;
  readonly told: Told;
}

/** What a group's committed offset was said to be; -1: none. */
export interface Fetched extends Op, OfPartition {
  readonly kind: "fetched";
  readonly group: string;
  readonly offset: number;
}

export interface Changed extends Op {
  readonly kind: "changed";
  readonly change: "createTopic" | "deleteTopic" | "createPartitions" | "alterConfig" | "deleteRecords" | "deleteGroup";
  /** deleteGroup: the group. */
  readonly topic: string;
  /** createTopic, createPartitions: their number. deleteRecords: the partition. */
  readonly partition: number;
  /**
   * createTopic, alterConfig: name=value, with spaces between several. deleteRecords: the offset asked for; where all was to go, the log start that was
   * answered, -1 without an answer.
   */
  readonly detail: string;
  readonly told: Told;
}

/** A topic's own settings as a client was told them. */
export interface Described extends Op {
  readonly kind: "described";
  readonly topic: string;
  readonly configs: Readonly<Record<string, string>>;
}

/** All topics as one client saw them at once. */
export interface Listed extends Op {
  readonly kind: "listed";
  readonly topics: Readonly<Record<string, number>>;
}

/** The whole of a partition, read after everything was healed. */
export interface Whole extends OfPartition {
  readonly kind: "whole";
  /** Which start of the broker served it: two of them must agree. */
  readonly reader: string;
  readonly logStart: number;
  readonly end: number;
  /** Every record from `logStart` to `end`: its offset and its mark. */
  readonly records: readonly (readonly [offset: number, mark: string])[];
}

export type HistoryEvent = Produced | Read | Ended | Started | Assigned | Committed | Fetched | Changed | Described | Listed | Whole;
export type History = readonly HistoryEvent[];

/** One rule over a history. @returns what is wrong, one sentence each; empty when it holds. */
export type Oracle = (history: History) => readonly string[];

export const formatHistory = (history: History): string => history.map((event) => JSON.stringify(event) + "\n").join("");
export const parseHistory = (text: string): History =>
  text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as HistoryEvent);
