/**
 * `bun tests/fuzz/run.ts [--target NAME] [--seconds N | --inputs N] [--seed S] [--json]`: fresh inputs for every target in turn, the seconds
 * shared among them. With a finding it writes the input, as small as it gets, and the command that tries it again, and exits with 1.
 * `--input FILE` is that command. An input that takes longer than `--hangs-ms` hangs; a process may have `--memory-mib`.
 */
import { runCommand } from "./command.ts";
import { TARGETS } from "./targets/mod.ts";

process.exit(await runCommand(TARGETS, import.meta.path, process.argv.slice(2)));
