/**
 * Tells the operator that a client was told an address that cannot work for it: a loopback address, to somebody who came from another
 * machine. Once for a listener and hour, whatever clients do. Changes no reply: a proxy or a tunnel may make it right (PROTOCOL traps, "told
 * localhost").
 */
import type { Address, Clock } from "../io/mod.ts";
import { formatAddress, isLoopback } from "../config/mod.ts";
import { logOf, type Properties } from "../telemetry/mod.ts";

const PERIOD_MS = 3_600_000;

export type TellUnreachable = (text: string, properties: Properties) => void;

const log = logOf("broker");

export class AdvertisedCheck {
  readonly #clock: Clock;
  readonly #gateways: ReadonlySet<string>;
  readonly #tell: TellUnreachable;
  /** By listener: when it was told last, and how many clients have met it since. As many as there are listeners. */
  readonly #told = new Map<string, { at: number; since: number }>();

  /** @param gateways peers with such an address may be this very machine, seen from inside of a container. */
  constructor(clock: Clock, gateways: readonly string[], tell: TellUnreachable = (text, properties) => log("warn", text, properties)) {
    this.#clock = clock;
    this.#gateways = new Set(gateways);
    this.#tell = tell;
  }

  /** Looks at what a client of `listener` that comes from `peer` is told. */
  look(listener: string, told: Address, peer: Address): void {
    if (!isLoopback(told.host)) return;
    const from = peer.host.replace(/^::ffff:/i, "");
    if (isLoopback(from) || this.#gateways.has(from)) return;
    const now = this.#clock.mono();
    const last = this.#told.get(listener);
    if (last !== undefined && now - last.at < PERIOD_MS) return void last.since++;
    this.#told.set(listener, { at: now, since: 0 });
    this.#tell("Told a client on another machine to connect to itself", {
      listener,
      told: formatAddress(told.host, told.port),
      peer: from,
      advice: `Name an address that it can reach in "advertised.listeners" (--advertise ${listener}://HOST:PORT) or "advertised.host.name"`,
      ...(last === undefined || last.since === 0 ? {} : { suppressed: last.since }),
    });
  }
}
