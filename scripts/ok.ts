/** `npm run ok`: the gate. Looks only: `npm run fix` is the command that changes files. */
const steps: readonly (readonly [name: string, command: readonly string[]])[] = [
  ["format", ["node_modules/.bin/deno", "fmt", "--check"]],
  ["lint", ["node_modules/.bin/deno", "lint"]],
  ["types", ["node_modules/.bin/tsc", "--noEmit", "-p", "."]],
  ["tests", [process.execPath, "test", "--timeout", "60000", "./tests"]],
];

for (const [name, command] of steps) {
  const { exitCode } = Bun.spawnSync([...command], { stdio: ["ignore", "inherit", "inherit"] });
  console.log(`── ${name}: ${exitCode === 0 ? "ok" : "FAILED"}`);
  if (exitCode !== 0) process.exit(exitCode);
}
