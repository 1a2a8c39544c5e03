/** librdkafka's C client as load generator, compiled here from `rdkafka_load.c` and pinned to the second core. */
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mustRun, run } from "../../tests/compat/support/process.ts";

export interface ProduceLoad {
  readonly bootstrap: string;
  readonly topic: string;
  readonly partitions: number;
  readonly records: number;
  readonly bytes: number;
  /** Most records in a request. */
  readonly batch: number;
  readonly inFlight: number;
  /** Records a second; 0: as fast as it goes. */
  readonly rate: number;
}

export interface Produced {
  readonly records: number;
  readonly ms: number;
  /** Milliseconds from produce to acknowledgement. */
  readonly p50: number;
  readonly p99: number;
}

export interface LoadGenerator {
  produce(load: ProduceLoad): Promise<Produced>;
  consume(bootstrap: string, topic: string, partitions: number, records: number): Promise<{ readonly bytes: number; readonly ms: number }>;
}

export async function loadGenerator(): Promise<LoadGenerator> {
  if ((await run(["sh", "-c", "test -f /usr/include/librdkafka/rdkafka.h"])).exitCode !== 0) {
    await mustRun(["sh", "-c", "apt-get update -qq && apt-get install -y -qq gcc librdkafka-dev"], { timeoutMs: 300_000 });
  }
  const binary = join(await mkdtemp(join(tmpdir(), "bench-load-")), "rdkafka_load");
  await mustRun(["gcc", "-O2", "-o", binary, join(import.meta.dir, "rdkafka_load.c"), "-lrdkafka"]);
  const load = async (args: readonly (string | number)[]) =>
    JSON.parse((await mustRun(["taskset", "-c", "1", binary, ...args.map(String)], { timeoutMs: 300_000 })).stdout);
  return {
    produce: (l) => load(["produce", l.bootstrap, l.topic, l.partitions, l.records, l.bytes, l.batch, l.inFlight, l.rate]),
    consume: (bootstrap, topic, partitions, records) => load(["consume", bootstrap, topic, partitions, records]),
  };
}
