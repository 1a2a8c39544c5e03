/** `npm run build`: one executable with everything in it, `dist/barnabas`. */
import { mkdir, stat } from "node:fs/promises";

await mkdir("dist", { recursive: true });
const built = Bun.spawnSync([
  process.execPath,
  "build",
  "main.ts",
  "--compile",
  "--minify-syntax",
  "--minify-whitespace",
  "--bytecode",
  "--sourcemap=none",
  "--outfile",
  "dist/barnabas",
], { stdio: ["ignore", "inherit", "inherit"] });
if (built.exitCode !== 0) process.exit(built.exitCode);
console.log(`dist/barnabas: ${((await stat("dist/barnabas")).size / 2 ** 20).toFixed(0)} MiB`);
