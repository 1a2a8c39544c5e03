/**
 * Inputs as files: one JSON object each, so that a change shows what it is about. `tests/fuzz/corpus/<target>/` holds those that once were
 * findings; every test run tries them again.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Input } from "./target.ts";

const FOLDER = join(import.meta.dir, "corpus");

interface Written {
  /** What was wrong. */
  readonly found: string;
  readonly about: Input["about"];
  /** One of both: text where it is text. */
  readonly text?: string;
  readonly base64?: string;
}

export function readInput(path: string): Input {
  const { about, text, base64 } = JSON.parse(readFileSync(path, "utf8")) as Written;
  return { about, bytes: text === undefined ? new Uint8Array(Buffer.from(base64 ?? "", "base64")) : new TextEncoder().encode(text) };
}

/** Makes the folder if need be; answers with the file's path. */
export function writeInput(folder: string, { about, bytes }: Input, found: string): string {
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  const isText = Buffer.from(text).equals(bytes);
  const written: Written = { found, about, ...(isText ? { text } : { base64: Buffer.from(bytes).toString("base64") }) };
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${Bun.hash(JSON.stringify(written)).toString(16)}.json`);
  writeFileSync(path, JSON.stringify(written, null, 2) + "\n");
  return path;
}

/** Paths of the inputs that once were findings, in name order. */
export function corpusOf(target: string): readonly string[] {
  const folder = join(FOLDER, target);
  try {
    return readdirSync(folder).filter((name) => name.endsWith(".json")).sort().map((name) => join(folder, name));
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return [];
    throw error;
  }
}
