/** What a test with processes leaves behind when it goes wrong: nothing. */
import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ownFolder, processesIn, removeFolder } from "./own_folder.ts";

const scratch = mkdtempSync(join(tmpdir(), "barnabas-own-"));
afterAll(() => rmSync(scratch, { recursive: true }));

/** Elsewhere nothing tells which processes work in a folder. */
const linuxTest = process.platform === "linux" ? test : () => {};

linuxTest("removeFolder() ends what works in the folder or writes there, also what is stopped, and removes it", async () => {
  const folder = ownFolder("barnabas-own-");
  const inside = Bun.spawn(["sleep", "1000"], { cwd: folder });
  const outside = Bun.spawn(["sleep", "1000"], { stderr: Bun.file(join(folder, "stderr.log")) });
  const other = Bun.spawn(["sleep", "1000"]);
  process.kill(inside.pid, "SIGSTOP");
  expect([...processesIn(folder)].sort()).toEqual([inside.pid, outside.pid].sort());
  removeFolder(folder);
  expect([await inside.exited, await outside.exited]).toEqual([137, 137]);
  expect(existsSync(folder)).toBe(false);
  expect(processesIn(folder)).toEqual([]);
  expect(other.exitCode).toBe(null);
  other.kill("SIGKILL");
  await other.exited;
});

/** The pid of a process that a test started which ends in this way. */
async function leftBy(ends: string, timeoutMs: number, signal: NodeJS.Signals | null): Promise<void> {
  const file = join(scratch, "ends_test.ts");
  writeFileSync(
    file,
    `import { afterAll, test } from "bun:test";
import { ownFolder, removeFolder } from ${JSON.stringify(join(import.meta.dir, "own_folder.ts"))};
const folder = ownFolder("in-");
afterAll(() => removeFolder(folder));
test("ends", async () => {
  const child = Bun.spawn(["sleep", "1000"], { cwd: folder });
  console.log("PID " + child.pid);
  ${ends}
}, ${timeoutMs});
`,
  );
  const command = [process.execPath, "test", file];
  const child = Bun.spawn(command, { cwd: scratch, env: { ...process.env, TMPDIR: scratch }, stdout: "pipe", stderr: "ignore" });
  let said = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    said += text;
    if (signal !== null && /PID \d+\n/.test(said)) child.kill(signal);
  }
  expect(await child.exited).not.toBe(0);
  const pid = Number(/PID (\d+)/.exec(said)?.[1]);
  expect(pid).toBeGreaterThan(1);
  expect(existsSync(`/proc/${pid}/cwd`)).toBe(false);
  expect(readdirSync(scratch).filter((name) => name.startsWith("in-"))).toEqual([]);
}

linuxTest("nothing is left of a test that fails, runs out of time or is told to end", async () => {
  await leftBy(`throw new Error("it fails");`, 50_000, null);
  await leftBy(`await new Promise(() => setInterval(() => {}, 1_000));`, 100, null);
  await leftBy(`await new Promise(() => setInterval(() => {}, 1_000));`, 50_000, "SIGTERM");
}, 60_000);
