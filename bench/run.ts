/** `npm run bench`: everything, one after the other. It takes about a quarter of an hour and wants the machine for itself. */
for (const bench of ["raw_limits.ts", "beside_kafka.ts", "client.ts", "console_sweep.ts"]) {
  const { exitCode } = Bun.spawnSync([process.execPath, `${import.meta.dir}/${bench}`], { stdio: ["ignore", "inherit", "inherit"] });
  if (exitCode !== 0) process.exit(exitCode);
}
