/** Damage to files, as data: what was done where, so that it can be kept, read and made smaller. */
import type { Draws } from "../../lib/sim/random.ts";
import type { Files } from "./directory.ts";
import { BOUNDARIES, overwritten, spliced } from "./mutate.ts";

interface On {
  /** Below the data directory. */
  readonly path: string;
}

export type Edit =
  | On & { readonly kind: "flip"; readonly at: number; readonly bit: number }
  | On & { readonly kind: "put"; readonly at: number; readonly bytes: readonly number[] }
  | On & { readonly kind: "zero"; readonly at: number; readonly length: number }
  | On & { readonly kind: "insert"; readonly at: number; readonly length: number }
  | On & { readonly kind: "cut"; readonly at: number; readonly length: number }
  | On & { readonly kind: "truncate"; readonly to: number }
  | On & { readonly kind: "append"; readonly length: number; readonly byte: number }
  | On & { readonly kind: "remove" }
  /** Its content of then. */
  | On & { readonly kind: "older"; readonly version: number }
  | On & { readonly kind: "replace"; readonly by: string };

const KINDS = [
  "flip",
  "flip",
  "put",
  "zero",
  "insert",
  "cut",
  "truncate",
  "truncate",
  "append",
  "remove",
  "older",
  "older",
  "replace",
] as const;
const SECTOR_BYTES = 512;

/** Of one file: two that are damaged at a time are two faults. */
export function someEdits(files: Files, versions: number, draws: Draws): Edit[] {
  const path = draws.pick([...files.keys()]);
  return Array.from({ length: draws.chance(0.8) ? 1 : 2 }, () => someEdit(path, files, versions, draws));
}

function someEdit(path: string, files: Files, versions: number, draws: Draws): Edit {
  const size = files.get(path)!.length;
  // Near the beginning as often as anywhere: that is where headers are.
  const at = Math.floor(draws.chance(0.3) ? draws.skewed(1, size + 1) - 1 : draws.float() * size);
  const length = Math.max(1, Math.floor(draws.skewed(1, size + 1)));
  const sector = at - at % SECTOR_BYTES;
  const kind = draws.pick(KINDS);
  switch (kind) {
    case "flip":
      return { path, kind, at, bit: draws.below(8) };
    case "put":
      return { path, kind, at, bytes: [...(draws.chance(0.5) ? draws.pick(BOUNDARIES) : draws.bytes(1 + draws.below(8)))] };
    case "zero":
      return draws.chance(0.5) ? { path, kind, at, length } : { path, kind, at: sector, length: SECTOR_BYTES };
    case "insert":
    case "cut":
      return { path, kind, at, length };
    case "truncate":
      return { path, kind, to: draws.chance(0.5) ? at : sector };
    case "append":
      return { path, kind, length: Math.floor(draws.skewed(1, 2_000)), byte: draws.pick([0, 0, 255, 167]) };
    case "remove":
      return { path, kind };
    case "older":
      return { path, kind, version: draws.below(versions) };
    case "replace": {
      const others = [...files.keys()].filter((other) => other !== path && extension(other) === extension(path));
      return others.length === 0 ? { path, kind: "remove" } : { path, kind, by: draws.pick(others) };
    }
  }
}

const extension = (path: string): string => /[^./]*$/.exec(path)![0];

/** The files with all of it done, in order. */
export function applied(edits: readonly Edit[], files: Files, older: readonly Files[]): Files {
  const now: Files = new Map(files);
  for (const edit of edits) {
    const bytes = edited(edit, now.get(edit.path) ?? new Uint8Array(0), files, older);
    if (bytes === null) now.delete(edit.path);
    else now.set(edit.path, bytes);
  }
  return now;
}

/** Null: the file is gone. */
function edited(edit: Edit, bytes: Uint8Array, files: Files, older: readonly Files[]): Uint8Array | null {
  switch (edit.kind) {
    case "flip":
      return edit.at < bytes.length ? bytes.with(edit.at, bytes[edit.at]! ^ (1 << edit.bit)) : bytes;
    case "put":
      return overwritten(bytes, edit.at, Uint8Array.from(edit.bytes));
    case "zero":
      return overwritten(bytes, edit.at, new Uint8Array(edit.length));
    case "insert":
      return spliced(bytes, Math.min(edit.at, bytes.length), 0, new Uint8Array(edit.length).fill(0x5a));
    case "cut": {
      const at = Math.min(edit.at, bytes.length);
      return spliced(bytes, at, Math.min(edit.length, bytes.length - at), new Uint8Array(0));
    }
    case "truncate":
      return bytes.slice(0, edit.to);
    case "append":
      return spliced(bytes, bytes.length, 0, new Uint8Array(edit.length).fill(edit.byte));
    case "remove":
      return null;
    case "older":
      return older[edit.version]?.get(edit.path) ?? null;
    case "replace":
      return files.get(edit.by) ?? null;
  }
}

/** One less, or a shorter one. */
export function* fewerEdits(edits: readonly Edit[]): Iterable<readonly Edit[]> {
  for (let i = 0; edits.length > 1 && i < edits.length; i++) yield edits.toSpliced(i, 1);
  for (const [i, edit] of edits.entries()) {
    if ("length" in edit && edit.length > 1) yield edits.with(i, { ...edit, length: edit.length >> 1 });
    if (edit.kind === "put" && edit.bytes.length > 1) yield edits.with(i, { ...edit, bytes: edit.bytes.slice(0, -1) });
  }
}
