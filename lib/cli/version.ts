/** `barnabas version`. */
import { VERSION } from "../version.ts";
import { command } from "./declare.ts";

export const versionCommand = command({
  name: "version",
  summary: "print the version",
  json: "name and version",
  flags: {},
  arguments: {},
  examples: [{ command: "barnabas version", does: "the version of this executable" }],
  run: ({ out }) => out.result({ name: "barnabas", version: VERSION }, () => `barnabas ${VERSION}\n`),
});
