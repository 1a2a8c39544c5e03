/** An empty project of somebody who uses the package: the examples of docs/embed.md as files, and the ways to try them. Installs nothing. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

export const root = join(import.meta.dir, "../..");

export interface Ended {
  readonly code: number;
  /** Both streams. */
  readonly text: string;
}

export async function run(cwd: string, ...command: readonly string[]): Promise<Ended> {
  // As a person's shell has it: nothing of this test's own runner.
  const path = [join(root, "node_modules/.bin"), process.env["PATH"]].join(":");
  const env = { HOME: cwd, PATH: path, NO_COLOR: "1" };
  const child = Bun.spawn([...command], { cwd, env, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [out, error, code] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited]);
  return { code, text: out + error };
}

/** Named blocks of the page: ```ts orders.test.ts. */
export async function examples(): Promise<ReadonlyMap<string, string>> {
  const page = await Bun.file(join(root, "docs/embed.md")).text();
  return new Map([...page.matchAll(/^```\w+ (\S+)\n([\s\S]*?)^```$/gm)].map(([, name, text]) => [name!, text!]));
}

/** Writes the examples and a project file; the package has to come into its node_modules by other means. */
export async function writeProject(folder: string): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true });
  const files = await examples();
  for (const [name, text] of files) await writeFile(join(folder, name), text);
  await writeFile(join(folder, "package.json"), JSON.stringify({ name: "consumer", type: "module", private: true }));
  return [...files.keys()];
}

/** What a strict consumer's compiler says to the examples, under both resolutions of modules. */
export async function typeErrors(folder: string, tsc: string): Promise<string> {
  let text = "";
  for (const [module, moduleResolution] of [["ESNext", "bundler"], ["NodeNext", "nodenext"]]) {
    const compilerOptions = {
      target: "ESNext",
      lib: ["ESNext"],
      module,
      moduleResolution,
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      noEmit: true,
      types: ["bun"],
      skipLibCheck: true,
    };
    const config = `tsconfig.${moduleResolution}.json`;
    await writeFile(join(folder, config), JSON.stringify({ compilerOptions, include: ["*.test.ts"] }));
    const ended = await run(folder, tsc, "-p", config);
    text += ended.text;
    if (ended.code !== 0 && ended.text === "") text += `tsc ended with ${ended.code}`;
  }
  return text;
}
