/** A broker that answers as a test says, over real sockets: for replies that no true broker would give. */
import { io, soon } from "./setup.ts";
import type { Socket } from "../../lib/io/mod.ts";
import {
  type AnyApi,
  APIS,
  ApiVersions,
  cutFrames,
  decode,
  encodeResponse,
  isFlexible,
  Metadata,
  readClientId,
  Reader,
  readRequestPrefix,
  Writer,
} from "../../lib/protocol/mod.ts";
import { join } from "../broker/harness.ts";

export interface Asked {
  readonly api: AnyApi;
  readonly version: number;
  readonly correlationId: number;
  readonly clientId: string | null;
  // deno-lint-ignore no-explicit-any -- requests of all types
  readonly request: any;
  /** Connections are numbered from 0. */
  readonly connection: number;
}

/** Chunks to send, "close", or null: nothing is answered. */
export type Answer = readonly Uint8Array[] | "close" | null;
export type Script = (asked: Asked, broker: ScriptedBroker) => Answer | undefined;

export class ScriptedBroker implements Disposable {
  readonly asked: Asked[] = [];
  connections = 0;
  port = 0;
  readonly #script: Script;
  readonly #sockets = new Set<Socket>();
  readonly #byConnection = new Map<number, Socket>();
  #close: () => void = () => {};
  #told: { readonly isThere: () => boolean; readonly tell: () => void }[] = [];

  private constructor(script: Script) {
    this.#script = script;
  }

  /** @param script what it leaves undefined is answered as a healthy broker would, with itself as the only node. */
  static async start(script: Script = () => undefined): Promise<ScriptedBroker> {
    const broker = new ScriptedBroker(script);
    const listener = await io.net.listen({ host: "127.0.0.1", port: 0 }, (socket) => broker.#accept(socket), soon());
    broker.port = listener.address.port;
    broker.#close = () => listener.close();
    return broker;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** What was asked of an API so far. */
  of(api: AnyApi): readonly Asked[] {
    return this.asked.filter((one) => one.api === api);
  }

  /** Resolves when `isThere`, which is looked at whenever something was asked or a connection ended. */
  until(isThere: () => boolean): Promise<void> {
    if (isThere()) return Promise.resolve();
    return new Promise((tell) => this.#told.push({ isThere, tell }));
  }

  get openConnections(): number {
    return this.#sockets.size;
  }

  reply(asked: Asked, response: unknown): readonly Uint8Array[] {
    return encodeResponse(asked.api, asked.version, asked.correlationId, response, new Writer());
  }

  /** Answers a request to which the script answered nothing. */
  later(asked: Asked, response: unknown): void {
    for (const chunk of this.reply(asked, response)) this.#byConnection.get(asked.connection)?.write(chunk);
  }

  [Symbol.dispose](): void {
    this.#close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #accept(socket: Socket) {
    const connection = this.connections++;
    this.#sockets.add(socket);
    this.#byConnection.set(connection, socket);
    let received: Uint8Array = new Uint8Array(0);
    return {
      onData: (chunk: Uint8Array) => {
        received = join([received, chunk]);
        const { frames, consumed } = cutFrames(received, 100_000_000);
        received = received.slice(consumed);
        for (const frame of frames) this.#onFrame(socket, connection, frame);
      },
      onDrain() {},
      onClose: () => {
        this.#sockets.delete(socket);
        this.#tell();
      },
    };
  }

  #onFrame(socket: Socket, connection: number, frame: Uint8Array): void {
    const reader = new Reader(frame);
    const { apiKey, apiVersion: version, correlationId } = readRequestPrefix(reader);
    const api = APIS.find(({ key }) => key === apiKey)!;
    const clientId = readClientId(reader, isFlexible(api, version));
    const asked: Asked = { api, version, correlationId, clientId, request: decode(api.request, version, reader), connection };
    this.asked.push(asked);
    const own = this.#script(asked, this);
    const answer = own === undefined ? this.#healthy(asked) : own;
    if (answer === "close") socket.destroy();
    else if (answer !== null) { for (const chunk of answer) socket.write(chunk); }
    this.#tell();
  }

  #healthy(asked: Asked): Answer {
    if (asked.api === ApiVersions) return this.reply(asked, { errorCode: 0, apiKeys: served() });
    if (asked.api !== Metadata) return null;
    const brokers = [{ nodeId: 1, host: "127.0.0.1", port: this.port, rack: null }];
    return this.reply(asked, { brokers, clusterId: "scripted", controllerId: 1, topics: (asked.request.topics ?? []).map(topicRow) });
  }

  #tell(): void {
    this.#told = this.#told.filter(({ isThere, tell }) => {
      if (!isThere()) return true;
      tell();
      return false;
    });
  }
}

export const topicRow = ({ name, topicId }: { readonly name: string; readonly topicId: string }) => ({
  errorCode: 0,
  name,
  topicId,
  isInternal: false,
  partitions: [{ errorCode: 0, partitionIndex: 0, leaderId: 1, leaderEpoch: 0, replicaNodes: [1], isrNodes: [1], offlineReplicas: [] }],
});

/** The rows of ApiVersions, with some APIs limited. */
export function served(limits: Readonly<Record<string, readonly [min: number, max: number]>> = {}) {
  return APIS.map(({ name, key, minVersion, maxVersion }) => {
    const [min, max] = limits[name] ?? [minVersion, maxVersion];
    return { apiKey: key, minVersion: min, maxVersion: max };
  });
}
