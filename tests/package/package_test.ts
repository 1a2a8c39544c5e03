/** The npm package as its consumers get it, but for the download of its dependencies: those are linked. `install.ts` does that part too. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { buildPackage } from "../../scripts/build_package.ts";
import { root, run, typeErrors, writeProject } from "./consumer.ts";

setDefaultTimeout(120_000);

let folder = "";
let project = "";
let installed = "";
let exampleNames: readonly string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "barnabas-package-"));
  project = join(folder, "project");
  installed = join(project, "node_modules/barnabas");
  const built = join(folder, "built");
  await buildPackage(built);
  const packed = await run(built, "npm", "pack", "--pack-destination", folder, "--offline", "--cache", join(folder, "cache"));
  expect(packed).toMatchObject({ code: 0 });
  exampleNames = await writeProject(project);
  await mkdir(installed, { recursive: true });
  const tarball = (await readdir(folder)).find((name) => name.endsWith(".tgz"))!;
  expect(await run(folder, "tar", "-xzf", tarball, "-C", installed, "--strip-components=1")).toMatchObject({ code: 0 });

  const { dependencies } = JSON.parse(await readFile(join(installed, "package.json"), "utf8"));
  // Inside of the package, so that a dependency which its manifest does not name is not found.
  for (const name of Object.keys(dependencies)) await link(join(installed, "node_modules"), name);
  for (const name of ["kafkajs", "@types/bun", "bun-types", "@types/node", "undici-types"]) await link(join(project, "node_modules"), name);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function link(modules: string, name: string): Promise<void> {
  await mkdir(dirname(join(modules, name)), { recursive: true });
  await symlink(join(root, "node_modules", name), join(modules, name));
}

describe("the npm package", () => {
  test("holds what it says and nothing of the project around it", async () => {
    const files = (await readdir(installed)).filter((name) => name !== "node_modules" && !/^chunk-\w+\.js$/.test(name)).sort();
    expect(files).toEqual(["LICENSE", "README.md", "barnabas.mjs", "main.js", "mod.js", "only_bun.mjs", "package.json", "types"]);
    const text = await readFile(join(installed, "mod.js"), "utf8");
    expect(text).not.toContain(root);
  });

  test("the examples of docs/embed.md pass, word for word", async () => {
    expect(exampleNames.length).toBeGreaterThan(4);
    const ended = await run(project, "bun", "test", "--timeout", "60000");
    expect(ended.text).toContain(" 0 fail");
    expect(ended.code).toBe(0);
  });

  test("the examples type-check in a strict project, under both resolutions of modules", async () => {
    expect(await typeErrors(project, join(root, "node_modules/.bin/tsc"))).toBe("");
  });

  test("in Node.js it refuses and says what to do", async () => {
    const ended = await run(project, "node", "--input-type=module", "--eval", 'await import("barnabas")');
    expect(ended.text).toContain("npx barnabas serve --help");
    expect(ended.code).toBe(1);
  });

  test("its command runs the broker through Bun, and the example for Node.js finds it", async () => {
    const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
    const command = join(installed, "barnabas.mjs");
    expect(await run(project, "node", command, "version")).toEqual({ code: 0, text: `barnabas ${version}\n` });
    expect((await run(project, "node", command, "srve")).code).toBe(64);
    await mkdir(join(project, "node_modules/.bin"));
    await symlink("../barnabas/barnabas.mjs", join(project, "node_modules/.bin/barnabas"));
    const ended = await run(project, "node", "node_example.mjs");
    expect(ended).toEqual({ code: 0, text: expect.stringMatching(/^brokers: \["127\.0\.0\.1:\d+"\]\n$/) });
  });
});
