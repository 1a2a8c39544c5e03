/** Reads the golden files of tests/golden: bytes and values that Apache Kafka 4.3.1's own classes made. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as protocol from "../../../lib/protocol/mod.ts";
import type { Message } from "../../../lib/protocol/mod.ts";

export interface GoldenSample {
  readonly message: string;
  readonly sample: "full" | "sparse" | "default";
  readonly versions: readonly number[];
  readonly hex: string;
  readonly value: Record<string, unknown>;
}

export interface GoldenRange {
  readonly name: string;
  readonly key: number;
  readonly minVersion: number;
  readonly maxVersion: number;
  readonly advertisedMinVersion: number;
  /** From `minVersion` on. */
  readonly requestHeaderVersions: readonly number[];
  readonly responseHeaderVersions: readonly number[];
}

const FOLDER = join(import.meta.dir, "../../golden");

export function goldenRanges(): GoldenRange[] {
  return read("ranges.json") as GoldenRange[];
}

export function goldenErrors(): { readonly name: string; readonly code: number; readonly retriable: boolean }[] {
  return read("errors.json") as ReturnType<typeof goldenErrors>;
}

export function goldenSamples(): GoldenSample[] {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith(".json") && name !== "ranges.json" && name !== "errors.json").sort();
  return files.flatMap((name) => read(name) as GoldenSample[]);
}

export function goldenBytes(sample: GoldenSample): Uint8Array {
  return Uint8Array.from(Buffer.from(sample.hex, "hex"));
}

/** The declaration that the door exports under the golden name. */
export function declared(name: string): Message<unknown> {
  const found = (protocol as unknown as Record<string, Message<unknown>>)[name];
  if (found === undefined) throw new Error(`No message "${name}" is declared`);
  return found;
}

function read(name: string): unknown {
  return JSON.parse(readFileSync(join(FOLDER, name), "utf8"));
}
