/** What versions of what APIs each client has asked for: kept in `tests/compat/seen.json`, and told in docs/compatibility.md. */
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { compatibilityPage, type Seen } from "../../../scripts/compatibility_page.ts";

const FILE = join(import.meta.dir, "../seen.json");
const PAGE = join(import.meta.dir, "../../../docs/compatibility.md");

/** Takes over what the brokers of one client's run wrote to `file` ("Fetch 17" a line), in the place of what was known of that client. */
export async function keepSeen(client: string, file: string): Promise<void> {
  const lines = new Set((await readFile(file, "utf8")).trim().split("\n"));
  await rm(file);
  const apis: Record<string, number[]> = {};
  for (const line of [...lines].sort()) {
    const [api, version] = line.split(" ") as [string, string];
    (apis[api] ??= []).push(Number(version));
  }
  for (const versions of Object.values(apis)) versions.sort((a, b) => a - b);
  const seen: Seen = { ...JSON.parse(await readFile(FILE, "utf8")) as Seen, [client]: apis };
  const ordered = Object.fromEntries(Object.entries(seen).sort(([a], [b]) => a < b ? -1 : 1));
  await writeFile(FILE, JSON.stringify(ordered, null, 2) + "\n");
  await writeFile(PAGE, compatibilityPage(ordered));
}
