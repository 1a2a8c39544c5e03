/** What a log asks of the storage it is part of. Types only. */
import type { StorageSettings } from "../settings.ts";
import type { Round } from "../wal/round.ts";
import type { StoredLog } from "./partition_log.ts";
import type { StoreNeeds } from "./segment_store.ts";

export interface LogNeeds extends StoreNeeds {
  readonly settings: StorageSettings;
  /** May this be appended now? @throws {Overloaded} @throws {DiskFull} @throws {Closed} @throws {StorageFenced} */
  admit(byteLength: number, internal: boolean): void;
  commit(log: StoredLog, baseOffset: number, end: number, bytes: Uint8Array): void;
  /** Writes an entry among the appends; resolves when it is durable. `becameDurable` is told in the same turn, before any checkpoint. */
  record(write: (round: Round) => void, becameDurable?: () => void): Promise<void>;
  /** Bytes of `log` are durable and wait in memory for their segment. */
  unwritten(log: StoredLog, byteLength: number, held: boolean): void;
  /** Bytes found their segment, or are not wanted any more. */
  written(byteLength: number, held: boolean): void;
  /** Something changed that the next checkpoint must know. */
  changed(log: StoredLog): void;
  /** After the delay, unless storage closes before: then the next start does it. */
  removeLater(delayMs: number, what: string, remove: () => Promise<void>): void;
}
