/** A whole node in memory whose sockets and HTTP requests are function calls: clock and timers are real, the network is not. */
import { HANDLERS, KafkaServer } from "../../lib/broker/mod.ts";
import { loadSettings, NodeSettings } from "../../lib/config/mod.ts";
import { createMemoryIo } from "../../lib/io/memory/mod.ts";
import type { HttpHandler, Io, Listener, Socket, SocketHandler } from "../../lib/io/mod.ts";
import { type RunningNode, startNode } from "../../lib/node.ts";
import { FakeSocket } from "../broker/fake_socket.ts";
import { must } from "./target.ts";

/** Small, so that what is asked cannot make it work for long. */
const SETTINGS = {
  "listeners": "PLAINTEXT://127.0.0.1:9092",
  "admin.listener": "127.0.0.1:8080",
  "max.partitions.per.topic": "20",
  "max.partitions": "400",
  "offsets.topic.num.partitions": "2",
  "group.initial.rebalance.delay.ms": "0",
};
export const TOPICS: readonly string[] = ["orders", "payments"];
/** Sockets that call, and HTTP, are not this address. */
const ADMIN = "http://127.0.0.1:8080";

export interface InMemoryNode {
  readonly fatal: readonly string[];
  readonly node: RunningNode;
  /** Its door for sockets. */
  readonly server: KafkaServer;
  connect(): FakeSocket;
  http(path: string, init?: RequestInit): Promise<Response>;
}

export async function startInMemory(): Promise<InMemoryNode> {
  const fatal: string[] = [];
  let accept: ((socket: Socket) => SocketHandler) | null = null;
  let serve: HttpHandler | null = null;
  let sockets = 0;
  const listening = (address: Listener["address"]): Promise<Listener> => Promise.resolve({ address, close() {} });
  const io: Io = {
    ...createMemoryIo({ onFatal: (_code, why) => void fatal.push(why) }),
    net: {
      listen: (address, taken) => {
        accept = taken;
        return listening(address);
      },
      dial: () => Promise.reject(new Error("nobody is dialled here")),
      listenHttp: (address, taken) => {
        serve = taken;
        return listening(address);
      },
    },
  };
  const { given, errors } = loadSettings({ flags: new Map(Object.entries(SETTINGS)) });
  must(errors.length === 0, () => errors.join("; "));
  const topics = TOPICS.map((name) => ({ name, partitions: 2, configs: new Map<string, string>() }));
  const node = await startNode({ io, config: new NodeSettings(given), directory: "memory", inMemory: true, topics });
  // A second door beside the node's own, because that one keeps its accounts to itself.
  // A quick machine has more inputs a second than it would take connections.
  const server = new KafkaServer(node.services, HANDLERS, { limits: { acceptsPerSecondMax: 1_000_000 } });
  await server.listen("PLAINTEXT", { host: "127.0.0.1", port: 9093 }, io.deadlines.in("fuzz", 10_000));
  return {
    fatal,
    node,
    server,
    connect() {
      const socket = new FakeSocket(++sockets, { host: `10.0.0.${1 + sockets % 200}`, port: 40_000 });
      socket.handler = accept!(socket);
      return socket;
    },
    http: async (path, init) => await serve!(new Request(ADMIN + path, init), { host: "127.0.0.1", port: 50_000 }),
  };
}
