/** Options with their defaults, checked before anything is opened. Knows nothing of connections. */
import type { Address } from "../io/mod.ts";
import { KafkaError } from "./errors.ts";
import type { ClientOptions, Cluster } from "./types.ts";

export type ClientSettings = Cluster["options"];

/** @throws {KafkaError} `INVALID_CONFIG` for an option that cannot be used. */
export function clientSettings(options: ClientOptions): ClientSettings {
  const settings = {
    bootstrapServers: serverList(options.bootstrapServers),
    clientId: options.clientId ?? "barnabas",
    requestTimeoutMs: options.requestTimeoutMs ?? 30_000,
    connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
    metadataMaxAgeMs: options.metadataMaxAgeMs ?? 300_000,
    retryBackoffMs: options.retryBackoffMs ?? 100,
    retryBackoffMaxMs: options.retryBackoffMaxMs ?? 1_000,
    connectionsMaxIdleMs: options.connectionsMaxIdleMs ?? 540_000,
  };
  expectAtLeast(
    settings,
    ["requestTimeoutMs", "connectTimeoutMs", "metadataMaxAgeMs", "retryBackoffMs", "retryBackoffMaxMs", "connectionsMaxIdleMs"],
    1,
  );
  for (const server of settings.bootstrapServers) addressOf(server);
  return settings;
}

/** @throws {KafkaError} `INVALID_CONFIG` for a named option that is no whole number from `min` on. */
export function expectAtLeast<Name extends string>(options: Readonly<Record<Name, number>>, names: readonly Name[], min: number): void {
  for (const name of names) {
    const value = options[name];
    if (!(Number.isSafeInteger(value) && value >= min)) refuse(`"${name}" is ${value}, expected a whole number from ${min} on`);
  }
}

/** @throws {KafkaError} `INVALID_CONFIG` always; `why` continues "Cannot use the options: ". */
export function refuse(why: string): never {
  throw new KafkaError("INVALID_CONFIG", `Cannot use the options: ${why}`);
}

function serverList(servers: string | readonly string[]): readonly string[] {
  const list = (typeof servers === "string" ? servers.split(",") : servers.flatMap((one) => one.split(","))).map((one) => one.trim())
    .filter((one) => one !== "");
  if (list.length === 0) refuse(`"bootstrapServers" is empty, expected host:port`);
  return [...new Set(list)];
}

/** `host:port`, `[address]:port` for IPv6. @throws {KafkaError} `INVALID_CONFIG` */
export function addressOf(server: string): Address {
  const [, ipv6, name, digits] = /^(?:\[([0-9a-fA-F:.%\w]+)\]|([^\s:/[\]]+)):(\d{1,5})$/.exec(server) ?? [];
  const port = Number(digits);
  if (!(port >= 1 && port <= 65_535)) refuse(`bootstrap server "${server}" is not host:port, or [address]:port for IPv6`);
  return { host: (ipv6 ?? name)!, port };
}

export const addressText = ({ host, port }: Address): string => host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
