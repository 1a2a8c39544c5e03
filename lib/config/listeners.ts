/**
 * Listener addresses: `NAME://host:port` as Kafka writes them, or just `host:port`. Refuses what clients could not reach, all of it at
 * once. Opens nothing and resolves no name.
 */
import type { Parsed } from "./setting.ts";

export interface ListenerAddress {
  readonly name: string;
  /** Without brackets; empty for "all interfaces". */
  readonly host: string;
  readonly port: number;
}

export interface Listener extends ListenerAddress {
  readonly securityProtocol: "PLAINTEXT";
  /** What clients are told, port 0 standing for the one that is bound; null: whatever it is bound to, port included. */
  readonly advertised: { readonly host: string; readonly port: number } | null;
}

/** The settings that make a node's listeners; `BrokerSettings` has them. */
export interface ListenerSettings {
  readonly listeners: readonly string[];
  readonly advertisedListeners: readonly string[];
  readonly advertisedHostName: string;
  readonly listenerSecurityProtocolMap: readonly string[];
}

export type PlannedListeners =
  | { readonly ok: true; readonly value: readonly Listener[] }
  | { readonly ok: false; readonly problems: readonly string[] };

const SHAPE = /^(?:([A-Za-z][A-Za-z0-9_.-]*):\/\/)?(?:\[([0-9a-fA-F:.]+(?:%[\w.]+)?)\]|([^\[\]:/\s,]*)):(\d{1,5})$/;
const PROTOCOLS = ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"];

/** @param name for addresses that give none. */
export function parseAddress(text: string, name = "PLAINTEXT"): Parsed<ListenerAddress> {
  const match = SHAPE.exec(text.trim());
  const port = Number(match?.[4]);
  if (!match || port > 65_535) {
    return { ok: false, message: `Invalid address "${text}": write host:port or NAME://host:port, with IPv6 in brackets` };
  }
  return { ok: true, value: { name: (match[1] ?? name).toUpperCase(), host: match[2] ?? match[3] ?? "", port } };
}

export const isWildcard = (host: string): boolean => /^(?:|0\.0\.0\.0|[0:]*:[0:]*)$/.test(host);
export const isLoopback = (host: string): boolean =>
  /^localhost\.?$/i.test(host) || /\.localhost$/i.test(host) || host === "::1" || /^(?:::ffff:)?127\.\d+\.\d+\.\d+$/i.test(host);

/** `host:port` with brackets where they belong. */
export const formatAddress = (host: string, port: number): string => host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;

/** Who cannot use what the listener tells its clients, and what changes it; null when nothing speaks against it. */
export function reachProblem({ name, host, port, advertised }: Listener): string | null {
  if (advertised === null || !isLoopback(advertised.host) || isLoopback(host)) return null;
  const told = formatAddress(advertised.host, advertised.port || port);
  return `Clients of listener "${name}" are told ${told}: right for programs on this machine, or on one that publishes the port there; anybody else would connect to itself. What they are told is "advertised.listeners" (--advertise ${name}://HOST:${
    port || 9092
  }) or "advertised.host.name"`;
}

/** The listeners of a node, checked together; every problem is told. */
export function parseListeners(settings: ListenerSettings): PlannedListeners {
  const problems: string[] = [];
  const protocols = protocolsOf(settings.listenerSecurityProtocolMap, problems);
  const told = advertisedBy(settings.advertisedListeners, problems);
  const found: Listener[] = [];
  if (settings.listeners.length === 0) problems.push(`Cannot listen: give "listeners" at least one address`);
  for (const text of settings.listeners) {
    const parsed = parseAddress(text);
    if (!parsed.ok) {
      problems.push(`${parsed.message} (in "listeners")`);
      continue;
    }
    const { name, host, port } = parsed.value;
    const protocol = protocols.get(name) ?? (PROTOCOLS.includes(name) ? name : "PLAINTEXT");
    if (protocol !== "PLAINTEXT") {
      problems.push(
        `Cannot listen at "${text}": security protocol "${protocol}" is not served, only PLAINTEXT: take the listener out of "listeners" and "advertised.listeners"`,
      );
    }
    if (found.some((other) => other.name === name)) {
      problems.push(`Cannot listen at "${text}": the listener name "${name}" is used twice, give each its own as NAME://host:port`);
    } else if (
      port !== 0 && found.some((other) => other.port === port && (other.host === host || isWildcard(other.host) || isWildcard(host)))
    ) {
      problems.push(`Cannot listen at "${text}": another listener has this address, give each its own port`);
    }
    found.push({
      name,
      host,
      port,
      securityProtocol: "PLAINTEXT",
      advertised: told.get(name) ?? fallback(settings, parsed.value, text, problems),
    });
  }
  for (const name of told.keys()) {
    if (found.some((listener) => listener.name === name)) continue;
    const names = found.map((listener) => listener.name).join(", ");
    problems.push(
      `Cannot advertise listener "${name}": no listener has this name${
        names === "" ? "" : `, there ${found.length > 1 ? "are" : "is"} ${names}`
      }`,
    );
  }
  problems.push(...advertisedTwice(found));
  return problems.length > 0 ? { ok: false, problems } : { ok: true, value: found };
}

function protocolsOf(map: readonly string[], problems: string[]): ReadonlyMap<string, string> {
  const protocols = new Map<string, string>();
  for (const entry of map) {
    const [name = "", protocol = ""] = entry.split(":").map((part) => part.trim().toUpperCase());
    if (name === "" || !PROTOCOLS.includes(protocol)) {
      problems.push(`Invalid entry "${entry}" in "listener.security.protocol.map": write NAME:PLAINTEXT`);
    } else if (protocols.has(name)) problems.push(`Invalid "listener.security.protocol.map": "${name}" is in it twice`);
    else protocols.set(name, protocol);
  }
  return protocols;
}

function advertisedBy(advertised: readonly string[], problems: string[]): ReadonlyMap<string, ListenerAddress> {
  const told = new Map<string, ListenerAddress>();
  for (const text of advertised) {
    const parsed = parseAddress(text);
    if (!parsed.ok) {
      problems.push(`${parsed.message} (in "advertised.listeners")`);
      continue;
    }
    const { name, host, port } = parsed.value;
    if (isWildcard(host)) problems.push(`Cannot advertise "${text}": no client can connect to a wildcard, name a host or an address`);
    if (port === 0) problems.push(`Cannot advertise "${text}": port 0 is no port that a client can connect to`);
    if (told.has(name)) problems.push(`Cannot advertise "${text}": listener "${name}" is advertised already`);
    else told.set(name, parsed.value);
  }
  return told;
}

/** For a listener that "advertised.listeners" does not name. */
function fallback(
  { advertisedHostName: host }: ListenerSettings,
  { name, host: bound, port }: ListenerAddress,
  text: string,
  problems: string[],
) {
  if (!isWildcard(bound)) return null;
  if (host !== "" && !isWildcard(host)) return { host, port };
  problems.push(
    host === ""
      ? `Cannot listen at "${text}" without an advertised address: say which host clients reach it by, for example --advertise ${name}://broker.example:${
        port || 9092
      }`
      : `Cannot advertise "${host}" of "advertised.host.name": no client can connect to a wildcard, name a host or an address`,
  );
  return null;
}

/** Clients could not tell the listeners apart. */
function advertisedTwice(listeners: readonly Listener[]): readonly string[] {
  const byAddress = Map.groupBy(
    listeners.filter(({ advertised }) => advertised !== null && advertised.port !== 0),
    ({ advertised }) => formatAddress(advertised!.host.toLowerCase(), advertised!.port),
  );
  return [...byAddress].filter(([, same]) => same.length > 1).map(([address, same]) =>
    `Cannot advertise "${address}" for listeners ${
      same.map(({ name }) => name).join(" and ")
    }: give each its own address in "advertised.listeners"`
  );
}
