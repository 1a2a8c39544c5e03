/**
 * Asks the collector to collect when the process has grown beyond a soft limit. Left alone it lets the heap double before it looks at what is
 * old, and counts the copies that the runtime makes of every chunk from a socket in that: at 100 MB/s the resident memory of a node that
 * holds 150 MB went to 400 MB. Frees nothing itself and never runs while the process is below the limit. See docs/decisions/12.
 */
import type { ProcessMeter } from "./process.ts";

/** Looked at once per so many bytes from sockets: they are what becomes garbage fastest. */
const LOOK_EVERY_BYTES = 4 * 1024 * 1024;
/** What a collection must have brought before the next one is worth its time: a heap that is really full is not collected over and over. */
const HEADROOM_BYTES = 24 * 1024 * 1024;

export class GarbageRelief {
  readonly #resident: Pick<ProcessMeter, "residentBytes">;
  readonly #collect: () => void;
  readonly #limitBytes: number;
  #sinceLook = 0;
  #nextAtBytes: number;

  constructor(resident: Pick<ProcessMeter, "residentBytes">, collect: () => void, limitBytes: number) {
    this.#resident = resident;
    this.#collect = collect;
    this.#limitBytes = this.#nextAtBytes = limitBytes;
  }

  /** So many bytes came from a socket. */
  received(byteLength: number): void {
    this.#sinceLook += byteLength;
    if (this.#sinceLook < LOOK_EVERY_BYTES) return;
    this.#sinceLook = 0;
    if (this.#resident.residentBytes() < this.#nextAtBytes) return;
    this.#collect();
    this.#nextAtBytes = Math.max(this.#limitBytes, this.#resident.residentBytes() + HEADROOM_BYTES);
  }
}
