/** Fetches what a client's program here produced, for `GoldenRecords.java read`: bun fetched_batches.ts HOST:PORT PREFIX OUT */
import { writeFileSync } from "node:fs";
import { Fetch } from "../../../lib/protocol/mod.ts";
import { broker } from "./ask.ts";

const [address, prefix, out] = process.argv.slice(2) as [string, string, string];
const { ask, close } = broker(address);
const rows: string[] = [];
for (const codec of ["none", "gzip", "snappy", "lz4", "zstd"]) {
  for (const name of codec === "none" ? ["small"] : ["small", "large"]) {
    const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20 }];
    const topics = [{ topic: `${prefix}-${name}-${codec}`, partitions }];
    const reply = await ask(Fetch, 11, { maxWaitMs: 500, minBytes: 1, maxBytes: 1 << 20, topics });
    const hex = Buffer.from(reply.responses[0].partitions[0].records).toString("hex");
    rows.push(JSON.stringify({ name: `${name} ${codec}`, hex }));
  }
}
writeFileSync(out, `[\n${rows.join(",\n")}\n]\n`);
close();
