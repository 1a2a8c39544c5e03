/** The C library that makes the executable's disk fail, compiled here, and its control file. What a fault does is said in fsync_shim.c. */
import { closeSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { run } from "../../compat/support/process.ts";

/** In the order of fsync_shim.c. */
const KINDS = ["none", "fail", "failDone", "stall", "dieBefore", "dieTorn", "dieAfter", "full"] as const;
export type ShimFault = Exclude<typeof KINDS[number], "none">;
const HITS_AT = 16;

export class Shim {
  /** Command that goes before the executable. */
  readonly through: readonly string[];
  readonly #control: string;
  readonly #file: number;

  private constructor(library: string, control: string) {
    this.through = ["env", `LD_PRELOAD=${library}`, `FSYNC_SHIM=${control}`];
    this.#control = control;
    this.#file = openSync(control, "r+");
  }

  /** @returns why there is none, on a machine that cannot have it. */
  static async make(directory: string): Promise<Shim | string> {
    if (process.platform !== "linux") return "LD_PRELOAD is for Linux";
    const library = join(directory, "fsync_shim.so");
    const command = ["cc", "-std=gnu11", "-Wall", "-Werror", "-O1", "-shared", "-fPIC"];
    if ((await run(["sh", "-c", "command -v cc"])).exitCode !== 0) return "there is no C compiler (cc)";
    const compiled = await run([...command, "-o", library, join(import.meta.dir, "fsync_shim.c"), "-ldl"]);
    if (compiled.exitCode !== 0) throw new Error(`Cannot compile fsync_shim.c: ${compiled.stderr}`);
    const control = join(directory, "shim.control");
    writeFileSync(control, new Uint8Array(4096));
    return new Shim(library, control);
  }

  /** The call after `after` others meets it. @param argument milliseconds of a stall, thousandths of a torn write. */
  arm(kind: ShimFault, after: number, argument = 0): void {
    this.disarm();
    this.#write([after, argument], 4);
    this.#write([KINDS.indexOf(kind)], 0);
  }

  disarm(): void {
    this.#write([0], 0);
  }

  /** Calls that met a fault so far. */
  async hits(): Promise<number> {
    return new DataView(await Bun.file(this.#control).arrayBuffer()).getInt32(HITS_AT, true);
  }

  close(): void {
    closeSync(this.#file);
  }

  #write(values: readonly number[], at: number): void {
    writeSync(this.#file, new Uint8Array(Int32Array.from(values).buffer), 0, values.length * 4, at);
  }
}
