/**
 * flock(2) through libc, because Bun and Node offer none. The lock belongs to the open file, so a second holder is refused in another
 * process and in this one, and the kernel drops it when the holder dies. Where libc cannot be loaded, locking is refused, never faked.
 */
import { dlopen, FFIType, read } from "bun:ffi";
import { closeSync, openSync } from "node:fs";
import { IoFailed } from "../errors.ts";

const LOCK_EX = 2;
const LOCK_NB = 4;

type Flock = (fd: number, operation: number) => number;
/** The C library and its name for `errno`, by platform; the first that loads is used. */
const LIBRARIES: readonly {
  readonly platform: string;
  readonly file: string;
  readonly errnoSymbol: string;
  readonly wouldBlock: number;
}[] = [
  { platform: "linux", file: "libc.so.6", errnoSymbol: "__errno_location", wouldBlock: 11 },
  { platform: "linux", file: "libc.musl-x86_64.so.1", errnoSymbol: "__errno_location", wouldBlock: 11 },
  { platform: "linux", file: "libc.musl-aarch64.so.1", errnoSymbol: "__errno_location", wouldBlock: 11 },
  { platform: "darwin", file: "libSystem.B.dylib", errnoSymbol: "__error", wouldBlock: 35 },
];

/** Does not wait: flock with LOCK_NB answers at once. @throws {IoFailed} `EWOULDBLOCK` when somebody holds it; `ENOTSUP` without libc. */
export function lockFile(path: string): { release(): void } {
  const { flock, errno, wouldBlock } = loadLibc(path);
  const fd = openLock(path);
  if (flock(fd, LOCK_EX | LOCK_NB) !== 0) {
    const code = errno();
    closeSync(fd);
    throw new IoFailed("lock", path, code === wouldBlock ? "EWOULDBLOCK" : `errno ${code}`);
  }
  let held = true;
  return {
    release() {
      if (held) closeSync(fd);
      held = false;
    },
  };
}

function openLock(path: string): number {
  try {
    return openSync(path, "a+", 0o600);
  } catch (error) {
    throw new IoFailed("open", path, (error as NodeJS.ErrnoException).code ?? "EIO", { cause: error });
  }
}

function loadLibc(path: string): { readonly flock: Flock; readonly errno: () => number; readonly wouldBlock: number } {
  let cause: unknown = null;
  for (const { platform, file, errnoSymbol, wouldBlock } of LIBRARIES) {
    if (platform !== process.platform) continue;
    try {
      const { symbols } = dlopen(file, {
        flock: { args: [FFIType.i32, FFIType.i32], returns: FFIType.i32 },
        [errnoSymbol]: { args: [], returns: FFIType.ptr },
      });
      const location = symbols[errnoSymbol] as unknown as () => number;
      return { flock: symbols["flock"] as unknown as Flock, errno: () => read.i32(location() as never, 0), wouldBlock };
    } catch (error) {
      cause = error; // Another C library may be there; the last one's reason goes into the refusal.
    }
  }
  throw new IoFailed("lock", path, "ENOTSUP", { cause });
}
