/**
 * Requests that are well formed and mean nonsense: values at the ends of their types, names that exist beside names that cannot, ids of
 * real topics, record batches that are valid, cut, altered or no batches at all. By the layouts of the schemas, so that a new API is
 * covered when it is declared.
 */
import fc from "fast-check";
import { type AnyApi, encodeBatch, type Layout, layoutOf, type Shape, type Uuid, ZERO_UUID } from "../../lib/protocol/mod.ts";

export interface OddRequest {
  readonly api: AnyApi;
  readonly version: number;
  readonly body: Record<string, unknown>;
}

const NAMES = ["orders", "orders", "clicks", "compacted", "g1", "g1", "g2", "__consumer_offsets", "1", "range"];
const BAD_NAMES = [
  "",
  ".",
  "..",
  "a/b",
  "\u0000",
  "ö".repeat(100),
  "x".repeat(249),
  "x".repeat(250),
  "x".repeat(32_767),
  "orders\n",
  "0",
  "-1",
];
const WORDS = [
  "retention.ms",
  "cleanup.policy",
  "compact",
  "delete",
  "consumer",
  "PLAIN",
  "num.partitions",
  "max.message.bytes",
  "1000",
  "-1",
];
const INT32 = [0, 0, 1, 1, 2, 3, 4, -1, -1, -2, 100, 65_536, 2 ** 31 - 1, -(2 ** 31)];
const INT64 = [0, 0, 1, 2, -1, -1, -2, -3, -4, -5, -6, 1000, 2 ** 31, Number.MAX_SAFE_INTEGER, 2 ** 63, -(2 ** 63)];
/** What makes a broker wait is kept short: that it waits is not the question here. */
const WAITS = [-(2 ** 31), -1, 0, 1, 10, 20];

const batch = fc.record({
  value: fc.uint8Array({ maxLength: 60 }),
  count: fc.integer({ min: 1, max: 3 }),
  timestamp: fc.constantFrom(-1, 0, 1, 1_700_000_000_000, 2 ** 52),
  producerId: fc.constantFrom(-1, -1, 0, 1, 7, 2 ** 40),
  producerEpoch: fc.constantFrom(-1, -1, 0, 1, 32_767),
  baseSequence: fc.constantFrom(-1, -1, 0, 1, 2, 2 ** 31 - 1),
  baseOffset: fc.constantFrom(0, 0, 5, -1),
  transactional: fc.boolean(),
  control: fc.boolean(),
  compression: fc.constantFrom("none", "none", "gzip", "snappy", "lz4", "zstd"),
}).map(({ value, count, timestamp, ...batch }) =>
  encodeBatch({ ...batch, records: Array.from({ length: count }, () => ({ key: value, value, timestamp, headers: [] })) })
);

const records: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 4, arbitrary: batch },
  { weight: 2, arbitrary: fc.tuple(batch, batch).map(([a, b]) => new Uint8Array([...a, ...b])) },
  { weight: 2, arbitrary: fc.tuple(batch, fc.nat(), fc.nat(255)).map(([a, at, byte]) => a.with(at % a.length, byte)) },
  { weight: 1, arbitrary: fc.tuple(batch, fc.nat()).map(([a, at]) => a.subarray(0, at % a.length)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }) },
);

export class OddRequests {
  /** Of topics that are there now; kept by the test. */
  readonly topicIds: Uuid[] = [];

  of(api: AnyApi): fc.Arbitrary<OddRequest> {
    return fc.integer({ min: api.minVersion, max: api.maxVersion }).chain((version) =>
      this.#struct(layoutOf(api.request, version)).map((body) => ({ api, version, body }))
    );
  }

  #struct(layout: Layout): fc.Arbitrary<Record<string, unknown>> {
    return fc.record(
      Object.fromEntries(
        layout.slots.map(({ name, present, shape, fallback }) => [name, present ? this.#value(shape, name) : fc.constant(fallback)]),
      ),
    );
  }

  #value(shape: Shape, name: string): fc.Arbitrary<unknown> {
    return shape.nullable ? fc.option(this.#plain(shape, name), { freq: 4 }) : this.#plain(shape, name);
  }

  #plain(shape: Shape, name: string): fc.Arbitrary<unknown> {
    switch (shape.kind) {
      case "struct":
        return this.#struct(shape.layout);
      case "array":
        return fc.oneof(
          { weight: 20, arbitrary: fc.array(this.#value(shape.of, name), { maxLength: 3 }) },
          // The same element very often: limits and quadratic work show.
          { weight: 1, arbitrary: this.#value(shape.of, name).map((element) => Array(500).fill(element)) },
        );
      case "bool":
        return fc.boolean();
      case "int8":
        return fc.constantFrom(0, 1, 2, 3, 4, 8, 16, 32, -1, -128, 127);
      case "int16":
        return name === "acks" ? fc.constantFrom(-1, -1, 1, 1, 2, -2) : fc.constantFrom(0, 1, 2, 3, -1, -2, 32_767, -32_768);
      case "uint16":
        return fc.constantFrom(0, 1, 9092, 65_535);
      case "int32":
        return /Ms$/.test(name) ? fc.constantFrom(...WAITS) : fc.oneof(fc.constantFrom(...INT32), fc.integer());
      case "int64":
        return fc.constantFrom(...INT64);
      case "uuid":
        return fc.oneof(
          fc.nat().map((n) => this.topicIds[n % (this.topicIds.length + 1)] ?? ZERO_UUID),
          fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString("base64url")),
        );
      case "string":
        return fc.oneof(
          { weight: 5, arbitrary: fc.constantFrom(...NAMES) },
          { weight: 2, arbitrary: fc.constantFrom(...WORDS) },
          { weight: 1, arbitrary: fc.constantFrom(...BAD_NAMES) },
          { weight: 1, arbitrary: fc.string({ unit: "grapheme", maxLength: 20 }) },
        );
      case "bytes":
        return fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constant(new Uint8Array(100_000)));
      case "records":
        return records;
    }
  }
}
