/** `barnabas completion`, and the hidden command that its scripts ask at each press of the tab key. */
import { command } from "../declare.ts";
import { candidates } from "./candidates.ts";
import { SCRIPTS, SHELLS } from "./scripts.ts";
import { UsageError } from "../exit.ts";

export const completionCommand = command({
  name: "completion",
  summary: "print the completion script of a shell",
  details: `The script asks the executable, so it stays right when that is replaced. Names of topics and groups come from the cluster of
--bootstrap, or of BARNABAS_BOOTSTRAP; it has one second to answer.`,
  flags: {},
  arguments: { shell: { label: "SHELL", help: SHELLS.join(", "), completes: SHELLS } },
  examples: [
    { command: "source <(barnabas completion bash)", does: "for this shell; in ~/.bashrc for every one" },
    { command: "barnabas completion zsh > ~/.zfunc/_barnabas", does: "with ~/.zfunc in fpath" },
    { command: "barnabas completion fish > ~/.config/fish/completions/barnabas.fish", does: "for every fish" },
  ],
  async run({ out }, { args }) {
    const shell = SHELLS.find((name) => name === args.shell);
    if (shell === undefined) throw new UsageError(`There is no script for "${args.shell}": there are ${SHELLS.join(", ")}`);
    await out.data(SCRIPTS[shell]);
  },
});

export const completeCommand = command({
  name: "__complete",
  summary: "answer the completion scripts",
  details: "Prints what may stand at the last word, one a line with its meaning behind a tab; :files where it is the name of a file.",
  flags: {},
  arguments: {
    shell: { label: "SHELL", help: SHELLS.join(", ") },
    words: {
      label: "WORD",
      help: "the command line so far, without the program; the last word is what is typed",
      many: true,
      mayBeEmpty: true,
    },
  },
  examples: [{ command: "barnabas __complete bash -- topic de", does: "describe, delete, delete-records" }],
  async run(context, { args }) {
    const { values, isFile } = await candidates(context, args.words);
    const typed = args.words.at(-1) ?? "";
    // Bash replaces only what stands behind the equals sign.
    const cut = args.shell === "bash" && typed.startsWith("--") ? typed.indexOf("=") + 1 : 0;
    const lines = values.filter(([value]) => value.startsWith(typed)).map(([value, meaning]) => `${value.slice(cut)}\t${meaning}\n`);
    await context.out.data(lines.join("") + (isFile ? ":files\n" : ""));
  },
});
