/**
 * `barnabas debug bundle`: one archive for whoever is to find out what is wrong. It asks the node over HTTP where that answers and looks at the
 * data directory itself, so that it works for a node that runs, one that hangs and one that does not start. Holds no record and no secret.
 */
import type { Context } from "./context.ts";
import { listData } from "./data_listing.ts";
import { command } from "./declare.ts";
import { CommandFailed } from "./exit.ts";
import { loadFor } from "./serve_settings.ts";
import { type TarFile, tarOf } from "./tar.ts";
import { VERSION } from "../version.ts";

/** Of one answer: a list of a hundred thousand groups says no more than its beginning. */
const ANSWER_CHARS_MAX = 8 * 1024 * 1024;

export const debugBundleCommand = command({
  name: "bundle",
  summary: "put what helps to find a fault into one archive",
  details: "Version, settings without secrets, readiness, metrics, recent log lines, topics and groups as far as the node answers,\n" +
    "and names and sizes of the files in the data directory. No records. It works when the node is down, too.",
  json: "the archive's path, its files, and what could not be had",
  flags: {
    "data": { type: "string", value: "DIRECTORY", default: "./data", help: "the data directory", completes: "directory" },
    "admin": { type: "string", value: "URL", default: "http://127.0.0.1:9644", help: 'the node\'s HTTP admin API, or "none"' },
    "config": { type: "string", value: "FILE", help: "the server.properties that the node is started with", completes: "file" },
    "out": { type: "string", value: "FILE", help: "the archive; without it barnabas-debug-TIME.tar.gz; a file that exists is left alone" },
    "wait": { type: "duration", default: "10s", help: "longest wait for one answer of the node, and for the disk" },
  },
  arguments: {},
  examples: [
    { command: "barnabas debug bundle", does: "of the node on this machine, data in ./data" },
    { command: "barnabas debug bundle --data /var/lib/barnabas --admin none --out fault.tar.gz", does: "of a node that does not start" },
  ],
  async run(context, { flags }) {
    const { io, out } = context;
    const wallMs = io.clock.wall();
    const time = new Date(wallMs).toISOString().slice(0, 19);
    const name = `barnabas-debug-${time.replaceAll(/[-:]/g, "").replace("T", "-")}`;
    const problems: string[] = [];
    const texts = new Map<string, string>();

    if (flags.admin !== "none") await askNode(context, flags.admin, flags.wait!, texts, problems);
    const answered = texts.size > 0;
    const data = await listData(io, flags.data, flags.wait!);
    const { fileCount } = data;
    if (fileCount === 0 && !answered) {
      const where = flags.admin === "none" ? "" : ` and nothing answers at "${flags.admin}"`;
      throw new CommandFailed(`Cannot find a node: "${flags.data}" holds no data${where}; say where with --data and --admin`);
    }
    texts.set("data.json", json(data));
    texts.set("settings.json", json(await settingsOf(context, flags.config)));
    texts.set(
      "bundle.json",
      json({ made: `${time}Z`, by: `barnabas ${VERSION}`, data: flags.data, admin: flags.admin, answered, problems }),
    );

    const files: TarFile[] = [...texts].map(([path, text]) => ({ name: `${name}/${path}`, bytes: new TextEncoder().encode(text) }));
    const archive = await gzip(tarOf(files, Math.floor(wallMs / 1000)));
    const path = flags.out ?? `${name}.tar.gz`;
    await writeNew(context, path, archive);
    for (const problem of problems) out.note(`Left out: ${problem}`);
    await out.result(
      { path, bytes: archive.length, files: [...texts.keys()], problems },
      () => `${path}: ${texts.size} files, ${archive.length} bytes\n`,
    );
  },
});

async function writeNew({ host }: Context, path: string, bytes: Uint8Array): Promise<void> {
  try {
    await host.writeNewFile(path, bytes);
  } catch (error) {
    const { code, message } = error as Error & { readonly code?: string };
    const advice = code === "EEXIST" ? "it exists: name another one with --out" : message;
    throw new CommandFailed(`Cannot write "${path}": ${advice}`);
  }
}

/** What the node says of itself: everything that can be read without naming a topic or a group, but no records. */
async function askNode({ host }: Context, admin: string, waitMs: number, texts: Map<string, string>, problems: string[]): Promise<void> {
  const base = (/^https?:\/\//.test(admin) ? admin : `http://${admin}`).replace(/\/+$/, "");
  const get = async (path: string): Promise<string | null> => {
    try {
      const { status, text } = await host.getHttp(`${base}${path}`, waitMs);
      // A node that is not ready says why with 503.
      if (status === 200 || path === "/readyz") return text.slice(0, ANSWER_CHARS_MAX);
      problems.push(`${path}: the node answers ${status}`);
    } catch (error) {
      problems.push(`${path}: ${error instanceof Error ? error.message : String(error)}`);
    }
    return null;
  };
  const take = async (path: string, extension: string): Promise<boolean> => {
    const text = await get(path);
    if (text !== null) texts.set(`node${path}.${extension}`, text);
    return text !== null;
  };
  // One that does not answer once is not asked thirty times.
  if (!await take("/version", "json")) return;
  await take("/readyz", "json");
  await take("/metrics", "txt");
  const document = await get("/v1/openapi.json");
  for (const path of document === null ? [] : readable(document)) await take(path, "json");
}

function readable(document: string): readonly string[] {
  const { paths = {} } = JSON.parse(document) as { readonly paths?: Readonly<Record<string, object>> };
  return Object.entries(paths).filter(([path, verbs]) => "get" in verbs && !/[{}]|records|openapi/.test(path)).map(([path]) => path);
}

/** What the environment and the file come to; values of secrets and of names that are not known are not shown. */
async function settingsOf({ host }: Context, configFile: string | null): Promise<object> {
  const none = { settings: new Map<string, string>(), installation: new Map<string, string>() };
  const { loaded, problems } = await loadFor(host, { configFile, ...none, problems: [] });
  const ignored = loaded.ignored.map(({ name, where, why }) => ({ name, where, why }));
  return { understood: loaded.understood, ignored, warnings: loaded.warnings, problems };
}

async function gzip(bytes: Uint8Array): Promise<Uint8Array> {
  const packed = new Blob([new Uint8Array(bytes)]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(packed).arrayBuffer());
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
