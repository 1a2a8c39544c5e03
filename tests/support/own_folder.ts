/**
 * A folder for a test with processes, and the end of all of them: whatever works in the folder, or writes its errors there, is killed, what is mounted
 * there is unmounted, and it is removed; also when the test failed in the middle, ran out of time, or is told to end.
 */
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folders = new Set<string>();

/** Remove it with `removeFolder` in an `afterEach` or `afterAll`: a `finally` does not run when the time is up. */
export function ownFolder(prefix: string): string {
  if (folders.size === 0) { for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => removeAll()); }
  const folder = mkdtempSync(join(tmpdir(), prefix));
  folders.add(folder);
  return folder;
}

export function removeFolder(folder: string): void {
  for (const pid of processesIn(folder)) process.kill(pid, "SIGKILL");
  for (const mounted of mountsIn(folder)) {
    // Lazily: who was killed may still be on its way out.
    const { exitCode, stderr } = Bun.spawnSync(["umount", "-l", mounted]);
    if (exitCode !== 0) throw new Error(`Cannot unmount ${mounted}: ${stderr}`);
  }
  rmSync(folder, { recursive: true, force: true });
  folders.delete(folder);
}

function removeAll(): never {
  for (const folder of folders) removeFolder(folder);
  process.exit(1);
}

/** By their working directory, or by where their standard error goes. Empty where there is no /proc. */
export function processesIn(folder: string): readonly number[] {
  const isInside = (path: string): boolean => path === folder || path.startsWith(`${folder}/`);
  return entriesOf("/proc").map(Number).filter((pid) =>
    pid > 0 && pid !== process.pid && [`/proc/${pid}/cwd`, `/proc/${pid}/fd/2`].some((link) => isInside(targetOf(link)))
  );
}

const mountsIn = (folder: string): readonly string[] =>
  textOf("/proc/mounts").split("\n").map((line) => line.split(" ")[1] ?? "").filter((path) => path.startsWith(`${folder}/`));

const entriesOf = (path: string): readonly string[] => orElse(() => readdirSync(path), []);
const textOf = (path: string): string => orElse(() => readFileSync(path, "utf8"), "");
/** Of processes that end meanwhile, or that are somebody else's: none. */
const targetOf = (link: string): string => orElse(() => readlinkSync(link), "");

function orElse<T>(look: () => T, otherwise: T): T {
  try {
    return look();
  } catch (error) {
    if (!["ENOENT", "ESRCH", "EACCES", "EPERM"].includes((error as { code?: string }).code ?? "")) throw error;
    return otherwise;
  }
}
