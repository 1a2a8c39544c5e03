/**
 * The law of rooms: which room may import which, and why; which room may use which package. A new arrow is a line here, with its reason,
 * and a page in docs/decisions. Imports go down only; what is not in the table is forbidden.
 */
import { dirname, join } from "node:path/posix";
import type { Source } from "./source.ts";

type Arrows = Readonly<Record<string, string>>;

export interface Room {
  /** What it may import, through the other room's `mod.ts`. */
  readonly imports: Arrows;
  /** What it may import as types only. */
  readonly types?: Arrows;
  /** What it may take from packages and from the runtime. */
  readonly packages?: Arrows;
}

export const ROOMS: Readonly<Record<string, Room>> = {
  // ── words: pure, no I/O, no clock, no timer, no randomness ──
  protocol: {
    imports: {},
    packages: {
      "@node-rs/crc32": "CRC-32C at the speed of the machine",
      "snappyjs": "snappy blocks",
      "node:zlib": "gzip and zstd with a bound on their output; pure functions of their input",
    },
  },
  config: {
    imports: { protocol: "names of errors and of config sources are Kafka's" },
    types: { state: "configs are resolved from the metadata image", storage: "a topic's settings come to what its log wants" },
  },
  raft: { imports: { protocol: "node ids" } },
  state: { imports: { protocol: "records, ids and error names are Kafka's" } },
  // ── hands: `io` alone touches the machine ──
  io: { imports: {}, packages: { "node:*": "the machine", "bun:*": "the machine" } },
  telemetry: {
    imports: { io: "times are the clock's" },
    packages: {
      "@logtape/logtape": "rooms log to a category, the executable says where to",
      "prom-client": "metrics in Prometheus' format",
    },
  },
  storage: {
    imports: {
      io: "disk, deadlines, buffers",
      telemetry: "logs and metrics",
      protocol: "the heads of record batches",
    },
    types: { raft: "entries and hard state are stored for it" },
  },
  client: {
    imports: { io: "net, deadlines", telemetry: "logs and metrics", protocol: "messages", version: "ApiVersions tells the software's" },
  },
  // ── roles ──
  replication: {
    imports: {
      io: "deadlines, buffers",
      telemetry: "logs and metrics",
      storage: "a partition stands on its log",
      protocol: "record batches and error names",
      config: "a topic's settings",
      state: "the metadata image says which partitions are here",
    },
  },
  controller: {
    imports: {
      io: "deadlines, random ids",
      telemetry: "logs and metrics",
      storage: "the store of its Raft log",
      protocol: "error names",
      config: "checks of configs",
      raft: "it drives one",
      state: "it hosts the metadata machine",
    },
  },
  coordinator: {
    imports: {
      io: "deadlines, timers, random ids",
      telemetry: "logs and metrics",
      protocol: "record batches of its partitions",
      config: "its settings",
      state: "it hosts the groups machine",
    },
    types: {
      replication: "groups live on partitions",
      controller: "it asks for __consumer_offsets to be made",
      storage: "what its partitions read and append",
    },
  },
  broker: {
    imports: {
      io: "net, deadlines, buffers",
      telemetry: "logs and metrics",
      protocol: "messages",
      config: "describing and changing configs",
      state: "the metadata image",
      storage: "its errors become Kafka's, in error_mapping.ts",
      replication: "its errors become Kafka's, in error_mapping.ts",
      coordinator: "its errors become Kafka's, in error_mapping.ts",
      controller: "its errors become Kafka's, in error_mapping.ts",
    },
    types: { raft: "DescribeQuorum tells what it says" },
  },
  // ── doors ──
  admin: {
    imports: {
      client: "records with a key go where its producer puts them",
      broker: "its services are what there is to tell",
      config: "settings and addresses",
      io: "the HTTP listener",
      protocol: "ids, names of errors, batches of records, assignments of members",
      telemetry: "the registry of metrics, the log",
      version: "it tells the version",
    },
    types: {
      controller: "what it is asked for",
      coordinator: "groups are told",
      replication: "partitions whose state is told",
      state: "the metadata image is told",
    },
    packages: {
      "hono": "routes",
      "hono/*": "routes",
      "@hono/zod-openapi": "one declaration for checks, document and handler",
    },
  },
  cli: {
    imports: {
      node: "`serve` runs one",
      config: "flags are settings",
      io: "the process and the real machine",
      storage: "a data directory that is refused has its exit code",
      telemetry: "it configures the log",
      version: "it tells the version",
      client: "commands talk to any cluster by the wire protocol",
      protocol: "what a broker says that it serves has names",
      sim: "`sim` replays a run",
    },
    packages: { "@std/cli/*": "parsing of flags" },
  },
  sim: {
    imports: {
      node: "it runs whole brokers, started as the executable starts them",
      admin: "it loads what a node would load at the first request",
      client: "its workloads speak real wire bytes",
      config: "knobs are settings",
      controller: "it runs the metadata quorum with several voters",
      io: "it is another one",
      protocol: "ids, record batches, and requests that no client would send",
      raft: "settings and invariants of the core",
      replication: "it runs partitions without a network too",
      state: "images of nodes are compared",
      storage: "it runs storage without a broker too",
      telemetry: "what nodes log belongs to the trace",
    },
  },
  // ── files of their own, in lib ──
  version: { imports: {} },
  node: {
    imports: Object.fromEntries(
      ["admin", "broker", "config", "controller", "coordinator", "io", "protocol", "replication", "state", "storage", "telemetry"].map(
        (room) => [room, "the composition root builds every room"],
      ),
    ),
  },
  embed: {
    imports: {
      node: "it runs one",
      config: "options are settings",
      io: "the machine, or one in memory",
      telemetry: "its log",
      protocol: "fixtures make and read record batches",
      client: "fixtures put keys where its producer does",
    },
    types: {
      broker: "the services of the node that it runs",
      controller: "its notices become events",
      coordinator: "its notices become events",
      replication: "fixtures append to partitions and read them",
      state: "the metadata image",
    },
  },
  connect: { imports: { client: "it opens one", io: "the machine" } },
};

/** Files of the composition root that are one room together. */
const ROOM_OF_FILE: Readonly<Record<string, string>> = {
  "lib/node.ts": "node",
  "lib/node_settings.ts": "node",
  "lib/embed.ts": "embed",
  "lib/connect.ts": "connect",
  "lib/version.ts": "version",
};

/** Files of other rooms that may be named directly when only types are taken: they are the agreed interfaces. */
const INTERFACES =
  /^lib\/(?:io\/(?:io|deadline|errors|buffers)|raft\/types|state\/machine|state\/metadata\/image|storage\/(?:types|errors)|replication\/(?:types|errors)|controller\/types|coordinator\/types|broker\/(?:handler|services)|protocol\/(?:ids|errors))\.ts$/;

/** Doors beside `mod.ts`, and why they are. */
const SIDE_DOORS: Readonly<Record<string, string>> = {
  "lib/io/real/process.ts": "the process that runs: its arguments, its end, its memory; only for doors",
  "lib/io/real/turns.ts": "promises go on when the simulator says so; only for sim",
  "lib/telemetry/metrics.ts": "loaded when somebody asks for metrics, because it is large",
  "lib/telemetry/contract.ts": "as above",
};

/** Who chooses between the real machine and another one. */
const CHOOSES_MACHINE = /^(?:main\.ts|lib\/cli\/.*|lib\/embed\.ts|lib\/connect\.ts)$/;

export function roomOf(path: string): string | null {
  return ROOM_OF_FILE[path] ?? /^lib\/([^/]+)\//.exec(path)?.[1] ?? null;
}

/** Problems of one file of `lib` under the law. */
export function lawOfRooms(file: Source, rooms: Readonly<Record<string, Room>> = ROOMS): readonly string[] {
  const from = roomOf(file.path);
  if (from === null) return [`${file.path}: is in no room`];
  const room = rooms[from];
  if (room === undefined) return [`${file.path}: room "${from}" is not in the law, see tests/tidy/rooms.ts`];
  return file.imports.flatMap((one) => {
    const problem = one.specifier.startsWith(".") ? ofRooms(file.path, from, room, one) : ofPackages(room, one.specifier);
    return problem === null ? [] : [`${file.path}:${one.line}: ${problem}`];
  });
}

function ofRooms(path: string, from: string, room: Room, { specifier, typeOnly }: Source["imports"][number]): string | null {
  const target = join(dirname(path), specifier);
  if (target === "package.json" && from === "version") return null;
  const chooses = CHOOSES_MACHINE.test(path) || ((from === "admin" || from === "sim") && target in SIDE_DOORS);
  if (/^lib\/io\/real\//.test(target) && from !== "io" && !chooses) {
    return `only main, cli and embed may choose the real machine`;
  }
  const to = roomOf(target);
  if (to === from) return null;
  if (to === null) return `"${specifier}" leaves lib`;
  const allowed = to in room.imports || (typeOnly && to in (room.types ?? {}));
  if (!allowed) return `"${from}" may not import "${to}"${to in (room.types ?? {}) ? " but for types" : ""}`;
  const isDoor = /\/mod\.ts$/.test(target) || target in ROOM_OF_FILE || target in SIDE_DOORS;
  if (isDoor || (typeOnly && INTERFACES.test(target))) return null;
  return `"${specifier}" is inside room "${to}": import its mod.ts`;
}

function ofPackages(room: Room, specifier: string): string | null {
  const allowed = Object.keys(room.packages ?? {});
  const fits = allowed.some((name) => name === specifier || (name.endsWith("*") && specifier.startsWith(name.slice(0, -1))));
  return fits ? null : `package "${specifier}" is not for this room`;
}

/** Problems of the table itself: a cycle of rooms, an arrow to nowhere, an arrow without a reason. */
export function lawItself(rooms: Readonly<Record<string, Room>> = ROOMS): readonly string[] {
  const problems: string[] = [];
  for (const [name, room] of Object.entries(rooms)) {
    for (const [to, reason] of [...Object.entries(room.imports), ...Object.entries(room.types ?? {})]) {
      if (!(to in rooms)) problems.push(`"${name}" may import "${to}", which is no room`);
      if (reason.trim() === "") problems.push(`"${name}" may import "${to}" without a reason`);
    }
  }
  const done = new Set<string>();
  const visit = (name: string, way: readonly string[]) => {
    if (way.includes(name)) return void problems.push(`cycle: ${[...way.slice(way.indexOf(name)), name].join(" → ")}`);
    if (done.has(name)) return;
    for (const to of Object.keys(rooms[name]?.imports ?? {})) visit(to, [...way, name]);
    done.add(name);
  };
  for (const name of Object.keys(rooms)) visit(name, []);
  return problems;
}
