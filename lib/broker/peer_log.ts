/**
 * Log lines about peers that misbehave: a few for each sort of event and period, the rest counted and told with the next (law 10). A peer
 * can make the broker write a bounded number of lines, whatever it sends.
 */
import type { Address, Clock } from "../io/mod.ts";
import { logOf, type Properties } from "../telemetry/mod.ts";

const PERIOD_MS = 10_000;
const LINES_PER_PERIOD_MAX = 5;

/** Why a connection was refused or closed, or what else is odd about it: fixed words, also used as the counter's label. */
export type PeerEvent =
  | "badFrame"
  | "badRequest"
  | "unknownApi"
  | "unsupportedVersion"
  | "tooSlow"
  | "notReading"
  | "noMemory"
  | "tooManyConnections"
  | "hungUp"
  | "internalError";

/** @param text fixed words; what varies is in the properties. */
export type WriteLine = (event: PeerEvent, text: string, properties: Properties) => void;

export class PeerLog {
  readonly #clock: Clock;
  readonly #write: WriteLine;
  readonly #recent = new Map<PeerEvent, { since: number; lines: number; suppressed: number }>();
  readonly #counts = new Map<PeerEvent, number>();

  constructor(clock: Clock, write: WriteLine = writeToLog) {
    this.#clock = clock;
    this.#write = write;
  }

  /** Events so far, suppressed lines included. */
  counts(): ReadonlyMap<PeerEvent, number> {
    return this.#counts;
  }

  /** @param text says what was done, in fixed words: `Closed a connection`. @param cause says why. */
  tell(event: PeerEvent, peer: Address, text: string, cause: string): void {
    this.#counts.set(event, (this.#counts.get(event) ?? 0) + 1);
    const now = this.#clock.mono();
    let recent = this.#recent.get(event);
    if (recent === undefined || now - recent.since >= PERIOD_MS) {
      const suppressed = recent?.suppressed ?? 0;
      this.#recent.set(event, recent = { since: now, lines: 0, suppressed: 0 });
      if (suppressed > 0) this.#write(event, "More of the same kind were not logged", { suppressed });
    }
    if (recent.lines >= LINES_PER_PERIOD_MAX) recent.suppressed++;
    else {
      recent.lines++;
      this.#write(event, text, { peer: `${peer.host}:${peer.port}`, cause });
    }
  }
}

const log = logOf("broker");

function writeToLog(event: PeerEvent, text: string, properties: Properties): void {
  log(event === "internalError" ? "error" : "warn", text, { kind: event, ...properties });
}
