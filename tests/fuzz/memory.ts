/**
 * How much memory one input takes: how far the process's resident peak rises while it is checked, and the largest buffer that is asked for, touched
 * or not. Says nothing where the system does not tell; counts no garbage that was collected meanwhile.
 */
import { openSync, writeSync } from "node:fs";

export interface Taken {
  /** Bytes by which the resident peak was above what was resident before. */
  readonly grown: number;
  /** Bytes of the largest buffer. */
  readonly largest: number;
}

/** Its resident peak becomes what is resident now. */
const RESET_PEAK = new TextEncoder().encode("5");
const TYPED = ["ArrayBuffer", "Uint8Array", "Int8Array", "Uint16Array", "Int16Array", "Uint32Array", "Int32Array"] as const;
const BIG = ["Float32Array", "Float64Array", "BigInt64Array", "BigUint64Array"] as const;
const BUFFER = ["alloc", "allocUnsafe", "allocUnsafeSlow"] as const;

/** There is one in a process: it takes the place of the constructors of buffers, for good. */
export class MemoryWatch {
  readonly #refs: number | null = resetFile();
  #before = 0;
  #largest = 0;

  constructor() {
    const noted = (bytes: unknown): void => {
      if (typeof bytes === "number" && bytes > this.#largest) this.#largest = bytes;
    };
    const globals = globalThis as unknown as Record<string, { new (...args: unknown[]): object; readonly BYTES_PER_ELEMENT?: number }>;
    for (const name of [...TYPED, ...BIG]) {
      const element = globals[name]!.BYTES_PER_ELEMENT ?? 1;
      globals[name] = new Proxy(globals[name]!, {
        construct(target, args, self) {
          if (typeof args[0] === "number") noted(args[0] * element);
          return Reflect.construct(target, args, self) as object;
        },
      });
    }
    for (const name of BUFFER) {
      const original = Buffer[name].bind(Buffer) as (size: number, ...rest: unknown[]) => Buffer;
      Object.assign(Buffer, {
        [name]: (size: number, ...rest: unknown[]) => {
          noted(size);
          return original(size, ...rest);
        },
      });
    }
  }

  begin(): void {
    if (this.#refs !== null) writeSync(this.#refs, RESET_PEAK);
    this.#before = peak();
    this.#largest = 0;
  }

  end(): Taken {
    return { grown: peak() - this.#before, largest: this.#largest };
  }
}

const peak = (): number => process.resourceUsage().maxRSS * 1024;

/** Null where there is none: then only what goes beyond all that was ever resident is seen. */
function resetFile(): number | null {
  try {
    return openSync("/proc/self/clear_refs", "w");
  } catch (error) {
    if (["ENOENT", "EACCES", "EPERM", "EROFS"].includes((error as { code?: string }).code ?? "")) return null;
    throw error;
  }
}
