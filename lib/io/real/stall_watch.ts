/**
 * A second thread that ends the process when the first does not come back: nothing else can look at a thread that goes round in circles. It counts
 * its own seconds, so that a machine that slept has not stood still.
 */
import { Worker } from "node:worker_threads";

export interface StallWatch {
  /** Something begins. @param what the sentence to say when it does not end, at most a line of 400 bytes. */
  begins(what: string): void;
  /** It ended; nothing is expected until the next one. */
  ends(): void;
}

/** Looked at so often until it is taken for endless. */
const LOOKS = 20;
const TEXT_BYTES = 400;
/** Numbers in the shared memory: how often something began, whether it still runs, bytes of its sentence. */
const [BEGUN, RUNS, LENGTH, WAITED_FOR, NUMBERS] = [0, 1, 2, 3, 4];

const THREAD = `
const { workerData: { shared, everyMs } } = require("node:worker_threads");
const { writeSync } = require("node:fs");
const numbers = new Int32Array(shared, 0, ${NUMBERS});
for (let last = -1, still = 0;;) {
  Atomics.wait(numbers, ${WAITED_FOR}, 0, everyMs);
  const begun = Atomics.load(numbers, ${BEGUN});
  still = begun === last && Atomics.load(numbers, ${RUNS}) === 1 ? still + 1 : 0;
  last = begun;
  if (still < ${LOOKS}) continue;
  const text = new Uint8Array(shared, ${NUMBERS * 4}, Atomics.load(numbers, ${LENGTH}));
  writeSync(2, Buffer.concat([text, Buffer.from("\\n")]));
  process.kill(process.pid, "SIGKILL");
}`;

/** @param afterMs what takes longer does not end. */
export function watchStall(afterMs: number): StallWatch {
  const shared = new SharedArrayBuffer(NUMBERS * 4 + TEXT_BYTES);
  const numbers = new Int32Array(shared, 0, NUMBERS);
  const text = new Uint8Array(shared, NUMBERS * 4, TEXT_BYTES);
  const thread = new Worker(THREAD, { eval: true, workerData: { shared, everyMs: afterMs / LOOKS } });
  thread.unref();
  return {
    begins(what) {
      const bytes = new TextEncoder().encode(what).subarray(0, TEXT_BYTES);
      text.set(bytes);
      Atomics.store(numbers, LENGTH, bytes.length);
      Atomics.store(numbers, RUNS, 1);
      Atomics.add(numbers, BEGUN, 1);
    },
    ends: () => void Atomics.store(numbers, RUNS, 0),
  };
}
