/**
 * `bun tests/protocol/messages/heap_growth.ts [ARRAYS]`: what decoding takes of memory, of every array of every message the worst that a peer can
 * send, as many of its shortest elements as are not refused. Prints a {@link HeapGrowth} for each as JSON. A process of its own: the heap is
 * collected before every look at it, which takes as long as there is much in it.
 */
import { heapStats } from "bun:jsc";
import {
  APIS,
  bytesMin,
  decode,
  DecodeError,
  elementMemory,
  encode,
  type Layout,
  layoutOf,
  MEMORY_BYTES_FREE,
  MEMORY_PER_BYTE_MAX,
  type Message,
  Reader,
  type Shape,
  Writer,
  ZERO_UUID,
} from "../../../lib/protocol/mod.ts";

/** The most that is not refused is tried: many, so that what the heap rounds does not matter. */
const COUNTS = [30_000, 10_000, 3_000, 1_000, 300, 100];
/** The heap grows in steps: what is held takes up to twice as much. */
const ROUNDED_UP = 2;

export interface HeapGrowth {
  readonly array: string;
  /** As the reader estimates it: bytes of memory for a byte of the frame. */
  readonly estimate: number;
  readonly frameBytes: number;
  readonly grownBytes: number;
  /** What is promised. */
  readonly bytesMax: number;
}

interface Tried {
  readonly message: Message<unknown, unknown>;
  readonly path: readonly string[];
  /** As the reader estimates it. */
  readonly estimate: number;
}

/** Every array, by the names of the fields that lead to it. */
function arrays(message: Message<unknown, unknown>, layout: Layout, path: readonly string[] = []): Tried[] {
  return layout.slots.filter((slot) => slot.present).flatMap(({ name, shape }) => {
    const inner = shape.kind === "array" ? shape.of : shape;
    const below = inner.kind === "struct" ? arrays(message, inner.layout, [...path, name]) : [];
    if (shape.kind !== "array") return below;
    const estimate = elementMemory(shape.of) / bytesMin(shape.of, layout.flexible);
    return [{ message, path: [...path, name], estimate }, ...below];
  });
}

/** The shortest value that takes memory: empty rather than null. */
function shortest(shape: Shape): unknown {
  switch (shape.kind) {
    case "struct":
      return structWith(shape.layout, [], 0);
    case "array":
      return [];
    case "bool":
      return false;
    case "uuid":
      return ZERO_UUID;
    case "string":
      return "";
    case "bytes":
    case "records":
      return new Uint8Array(0);
    default:
      return 0;
  }
}

/** One element on the way to the array at `path`, `count` in that one. */
function structWith(layout: Layout, path: readonly string[], count: number): Record<string, unknown> {
  return Object.fromEntries(layout.slots.map(({ name, present, shape, fallback, tag }) => {
    if (!present || name !== path[0] && tag !== null) return [name, fallback];
    if (name !== path[0]) return [name, shortest(shape)];
    if (path.length === 1 && shape.kind === "array") return [name, Array.from({ length: count }, () => shortest(shape.of))];
    const inner = shape.kind === "array" ? shape.of : shape;
    if (inner.kind !== "struct") throw new Error(`"${name}" leads nowhere`);
    const value = structWith(inner.layout, path.slice(1), count);
    return [name, shape.kind === "array" ? [value] : value];
  }));
}

function heapBytes(): number {
  Bun.gc(true);
  const { heapSize, extraMemorySize } = heapStats();
  return heapSize + extraMemorySize;
}

function heapGrowth(make: () => unknown): number {
  const before = heapBytes();
  const held = make();
  const grown = heapBytes() - before;
  if (held === undefined) throw new Error("Nothing was made");
  return grown;
}

/** The largest frame that is not refused. */
function largest({ message, path }: Tried): Uint8Array {
  const layout = layoutOf(message, message.maxVersion);
  const writer = new Writer();
  for (const count of COUNTS) {
    encode(message, message.maxVersion, structWith(layout, path, count), writer);
    const frame = writer.finishJoined().slice();
    try {
      decode(message, message.maxVersion, new Reader(frame));
      return frame;
    } catch (error) {
      if (!(error instanceof DecodeError) || !/too much memory/.test(error.message)) throw error;
    }
  }
  throw new Error(`Even a few elements of ${message.name} ${path.join(".")} are refused`);
}

function measured(tried: Tried): HeapGrowth {
  const { message, path, estimate } = tried;
  const frame = largest(tried);
  // What else the heap does at the time, as compiling, is not there every time.
  const grownBytes = Math.min(...[1, 2, 3].map(() => heapGrowth(() => decode(message, message.maxVersion, new Reader(frame)))));
  const bytesMax = ROUNDED_UP * (MEMORY_BYTES_FREE + MEMORY_PER_BYTE_MAX * frame.length);
  return { array: `${message.name} ${path.join(".")}`, estimate, frameBytes: frame.length, grownBytes, bytesMax };
}

if (import.meta.main) {
  const tried = APIS.flatMap(({ request, response }) =>
    [request, response].flatMap((message: Message<unknown, unknown>) => arrays(message, layoutOf(message, message.maxVersion)))
  ).sort((a, b) => b.estimate - a.estimate).slice(0, Number(process.argv[2] ?? Infinity));
  console.log(JSON.stringify(tried.map(measured)));
}
