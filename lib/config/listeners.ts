/** Listener addresses: `NAME://host:port` as Kafka writes them, or just `host:port`. Refuses what clients could not reach. */
import type { Parsed } from "./setting.ts";

export interface ListenerAddress {
  readonly name: string;
  /** Without brackets; empty for "all interfaces". */
  readonly host: string;
  readonly port: number;
}

export interface Listener extends ListenerAddress {
  readonly securityProtocol: "PLAINTEXT";
  /** What clients are told; null: whatever it is bound to, port included. */
  readonly advertised: { readonly host: string; readonly port: number } | null;
}

const SHAPE = /^(?:([A-Za-z][A-Za-z0-9_]*):\/\/)?(?:\[([0-9a-fA-F:.]+)\]|([^\[\]:/\s]*)):(\d{1,5})$/;

/** @param name for addresses that give none. */
export function parseAddress(text: string, name = "PLAINTEXT"): Parsed<ListenerAddress> {
  const match = SHAPE.exec(text.trim());
  const port = Number(match?.[4]);
  if (!match || port > 65_535) {
    return { ok: false, message: `Invalid address "${text}": write host:port or NAME://host:port, with IPv6 in brackets` };
  }
  return { ok: true, value: { name: (match[1] ?? name).toUpperCase(), host: match[2] ?? match[3] ?? "", port } };
}

export const isWildcard = (host: string): boolean => host === "" || host === "0.0.0.0" || host === "::";
export const isLoopback = (host: string): boolean => host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);

/** `host:port` with brackets where they belong. */
export const formatAddress = (host: string, port: number): string => host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;

/** The listeners of a node, checked together. */
export function parseListeners(
  listeners: readonly string[],
  advertised: readonly string[],
  protocolMap: readonly string[],
): Parsed<readonly Listener[]> {
  const problem = (message: string): Parsed<never> => ({ ok: false, message });
  if (listeners.length === 0) return problem(`No listener: give "listeners" at least one address`);
  const protocols = new Map<string, string>();
  for (const entry of protocolMap) {
    const [name, protocol] = entry.split(":");
    if (!name || !protocol) return problem(`Invalid entry "${entry}" in "listener.security.protocol.map": write NAME:PLAINTEXT`);
    protocols.set(name.trim().toUpperCase(), protocol.trim().toUpperCase());
  }
  const told = new Map<string, ListenerAddress>();
  for (const text of advertised) {
    const parsed = parseAddress(text);
    if (!parsed.ok) return parsed;
    const { name, host, port } = parsed.value;
    if (isWildcard(host)) return problem(`Cannot advertise "${text}": no client can connect to a wildcard, name a host or an address`);
    if (port === 0) return problem(`Cannot advertise "${text}": port 0 is no port that a client can connect to`);
    if (told.has(name)) return problem(`Cannot advertise "${text}": listener "${name}" is advertised already`);
    told.set(name, parsed.value);
  }
  const found: Listener[] = [];
  for (const text of listeners) {
    const parsed = parseAddress(text);
    if (!parsed.ok) return parsed;
    const { name, host, port } = parsed.value;
    const protocol = protocols.get(name) ?? (["SSL", "SASL_PLAINTEXT", "SASL_SSL"].includes(name) ? name : "PLAINTEXT");
    if (protocol !== "PLAINTEXT") {
      return problem(`Cannot listen at "${text}": security protocol "${protocol}" is not served, only PLAINTEXT`);
    }
    if (found.some((other) => other.name === name)) {
      return problem(`Cannot listen at "${text}": the listener name "${name}" is used twice, give each its own as NAME://host:port`);
    }
    if (port !== 0 && found.some((other) => other.port === port && other.host === host)) {
      return problem(`Cannot listen at "${text}": another listener has this address`);
    }
    const as = told.get(name);
    told.delete(name);
    if (!as && isWildcard(host)) {
      return problem(
        `Cannot listen at "${text}" without an advertised address: say which host clients reach it by, for example --advertise ${name}://broker.example:${
          port || 9092
        }`,
      );
    }
    found.push({ name, host, port, securityProtocol: "PLAINTEXT", advertised: as ?? null });
  }
  const [left] = told.keys();
  if (left !== undefined) return problem(`Cannot advertise listener "${left}": no listener has this name`);
  return { ok: true, value: found };
}
