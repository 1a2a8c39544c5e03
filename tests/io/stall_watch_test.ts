/** lib/io/real/stall_watch.ts in a process of its own, because it ends it. */
import { expect, test } from "bun:test";
import { join } from "node:path";

const MODULE = join(import.meta.dir, "../../lib/io/real/stall_watch.ts");

async function ended(code: string): Promise<{ readonly said: string; readonly how: string | number }> {
  const text = `import { watchStall } from ${JSON.stringify(MODULE)};\nconst watch = watchStall(200);\n${code}`;
  const child = Bun.spawn([process.execPath, "-e", text], { stdout: "ignore", stderr: "pipe", stdin: "ignore" });
  const said = await new Response(child.stderr).text();
  const exitCode = await child.exited;
  return { said, how: child.signalCode ?? exitCode };
}

test("watchStall() says what does not end, and ends the process that goes round in circles", async () => {
  const found = await ended(`watch.begins("the first"); watch.ends(); watch.begins("Seed 7 does not end"); for (;;);`);
  expect(found).toEqual({ said: "Seed 7 does not end\n", how: "SIGKILL" });
});

test("watchStall() has nothing against a process in which nothing runs, and does not keep it", async () => {
  const waits = "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 600);";
  expect(await ended(`watch.begins("the first"); watch.ends(); ${waits}`)).toEqual({ said: "", how: 0 });
});
