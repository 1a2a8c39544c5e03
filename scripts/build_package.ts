/**
 * `bun run scripts/build_package.ts [DIRECTORY]`: the npm package as a folder (dist/npm) that `npm pack` and `npm install` take. JavaScript
 * and declarations, not the sources: those name `@std/…`, which only this project's tsconfig resolves, and a consumer's compiler would hold
 * them to its own settings. Packages stay imports, so that an application shares them (logtape) and their licences stay with them.
 */
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";

const root = join(import.meta.dir, "..");

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly license: string;
  readonly engines: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

/** @throws {Error} when the sources do not build. */
export async function buildPackage(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  const manifest = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as Manifest;
  await bundle(directory, Object.keys(manifest.dependencies));
  await declarations(directory);
  await cp(join(root, "scripts/npm"), directory, { recursive: true });
  for (const file of ["LICENSE", "README.md"]) await cp(join(root, file), join(directory, file));
  await writeFile(join(directory, "package.json"), JSON.stringify(published(manifest), null, 2) + "\n");
}

function published({ name, version, description, license, engines, dependencies, devDependencies }: Manifest) {
  return {
    name,
    version,
    description,
    license,
    type: "module",
    exports: {
      ".": { types: "./types/mod.d.ts", bun: "./mod.js", node: "./only_bun.mjs", default: "./mod.js" },
      "./package.json": "./package.json",
    },
    bin: { barnabas: "barnabas.mjs" },
    engines: { ...engines, bun: `>=${devDependencies["bun"]}` },
    dependencies,
    peerDependencies: { bun: `>=${devDependencies["bun"]}` },
    // Whoever runs `bun` already needs no second one.
    peerDependenciesMeta: { bun: { optional: true } },
  };
}

async function bundle(directory: string, packages: readonly string[]): Promise<void> {
  const paths = JSON.parse(await readFile(join(root, "deno.json"), "utf8")).imports as Readonly<Record<string, string>>;
  const built = await Bun.build({
    entrypoints: [join(root, "mod.ts"), join(root, "main.ts")],
    outdir: directory,
    target: "bun",
    splitting: true,
    external: packages.flatMap((name) => [name, `${name}/*`]),
    plugins: [{
      name: "std",
      setup(build) {
        // `@std/cli/parse-args` is `deno-std/cli/parse_args.js` to everybody else.
        build.onResolve({ filter: /^@std\// }, ({ path }) => ({ path: paths[path]!.replace(/^\.\/node_modules\//, ""), external: true }));
      },
    }],
  });
  if (!built.success) throw new AggregateError(built.logs, "Cannot bundle the package");
}

/** Those that `mod.d.ts` reaches. */
async function declarations(directory: string): Promise<void> {
  const all = join(directory, "types.all");
  const config = join(directory, "tsconfig.json");
  const own = JSON.parse(await readFile(join(root, "tsconfig.json"), "utf8")) as { readonly compilerOptions: object };
  await writeFile(
    config,
    JSON.stringify({
      extends: join(root, "tsconfig.json"),
      compilerOptions: {
        ...own.compilerOptions,
        paths: undefined,
        noEmit: false,
        declaration: true,
        emitDeclarationOnly: true,
        stripInternal: true,
        rootDir: root,
        outDir: all,
        typeRoots: [join(root, "node_modules/@types")],
      },
      include: ["types/**/*.d.ts", "lib/**/*.d.ts"].map((pattern) => join(root, pattern)),
      files: [join(root, "mod.ts")],
    }),
  );
  const made = Bun.spawnSync([join(root, "node_modules/.bin/tsc"), "-p", config], { stdio: ["ignore", "inherit", "inherit"] });
  if (made.exitCode !== 0) throw new Error("Cannot make the declarations: tsc failed, its output is above");
  const reached = new Set<string>();
  const visit = async (path: string): Promise<void> => {
    if (reached.has(path)) return;
    reached.add(path);
    const text = await readFile(path, "utf8");
    // To a compiler that reads declarations, "./a.js" is a.d.ts.
    const target = join(directory, "types", relative(all, path));
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, text.replace(/(["'])(\.{1,2}\/[^"']+)\.ts\1/g, "$1$2.js$1"));
    for (const [, specifier] of text.matchAll(/["'](\.{1,2}\/[^"']+)\.ts["']/g)) await visit(join(dirname(path), `${specifier}.d.ts`));
  };
  await visit(join(all, "mod.d.ts"));
  await rm(all, { recursive: true });
  await rm(config);
}

if (import.meta.main) {
  const directory = join(process.cwd(), process.argv[2] ?? "dist/npm");
  await buildPackage(directory);
  const files = await readdir(directory, { recursive: true });
  console.log(`${relative(process.cwd(), directory)}: ${files.length} files; npm pack ./${relative(process.cwd(), directory)}`);
}
