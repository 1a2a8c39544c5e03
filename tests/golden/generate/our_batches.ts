/** Writes our own batches for `GoldenRecords.java read`: bun our_batches.ts ours.json */
import { writeFileSync } from "node:fs";
import { samples } from "../../protocol/records/samples.ts";

const rows = samples().map(({ name, bytes }) => JSON.stringify({ name, hex: Buffer.from(bytes).toString("hex") }));
writeFileSync(process.argv[2]!, `[\n${rows.join(",\n")}\n]\n`);
