/** The routers that this machine sends through, from the kernel's table. IPv4 only: containers are published through it. */
import { readFileSync } from "node:fs";

const TABLE = "/proc/net/route";
const DEFAULT_ROUTE = "00000000";

/** Empty where the system has no such table. */
export function defaultGateways(): readonly string[] {
  try {
    return gatewaysIn(readFileSync(TABLE, "utf8"));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "EACCES") return [];
    throw error;
  }
}

/** @param table as `/proc/net/route` has it: addresses are hexadecimal, their bytes the wrong way around. */
export function gatewaysIn(table: string): readonly string[] {
  const rows = table.split("\n").slice(1).map((line) => line.trim().split(/\s+/));
  const found = rows.flatMap(([, destination, gateway]) =>
    destination === DEFAULT_ROUTE && gateway !== undefined && /^[0-9A-F]{8}$/i.test(gateway) && gateway !== DEFAULT_ROUTE ? [gateway] : []
  );
  return found.map((hex) => hex.match(/../g)!.reverse().map((byte) => parseInt(byte, 16)).join("."));
}
