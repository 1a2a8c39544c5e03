/** Asks one broker and keeps the replies in a form that can be laid beside another broker's. Judges nothing: that is compare.ts. */
import { connect } from "node:net";
import { type AnyApi, ApiVersions, decodeResponse, encodeRequest, Writer, ZERO_UUID } from "../../../lib/protocol/mod.ts";

export interface Step {
  readonly label: string;
  /** The reply with what legitimately differs replaced, or why there is none. */
  readonly reply: unknown;
}

// deno-lint-ignore no-explicit-any
export type Reply = any;

/** Fields that say how far the metadata of a node is: every node has its own. */
const OWN: Readonly<Record<string, readonly string[]>> = {
  ApiVersions: ["finalizedFeaturesEpoch"],
  DescribeQuorum: ["highWatermark", "logEndOffset"],
};

const REPLY_TIMEOUT_MS = 5_000;

export class Peer {
  readonly steps: Step[] = [];
  readonly #names = new Map<string, string>();
  #counters = new Map<string, number>();

  constructor(readonly bootstrap: string, readonly log: (step: Step) => void = () => {}) {}

  /** One request in one version; keeps and returns the reply, null when the broker closed or did not answer. */
  async ask(what: string, api: AnyApi, version: number, request: unknown): Promise<Reply> {
    const label = `${api.name} v${version}: ${what}`;
    const frame = await exchange(this.bootstrap, Buffer.concat(frameOf(api, version, 7, request)));
    const reply: Reply = typeof frame === "string" ? null : decodeResponse(api as never, version, 7, frame);
    const step = { label, reply: typeof frame === "string" ? frame : this.#plain(reply, "", OWN[api.name] ?? []) };
    this.steps.push(step);
    this.log(step);
    return reply;
  }

  /** A request that gets no reply, with an ApiVersions behind it on the same connection: was that answered, or was the connection closed? */
  async askSilent(what: string, api: AnyApi, version: number, request: unknown): Promise<void> {
    const frames = [...frameOf(api, version, 7, request), ...frameOf(ApiVersions, 0, 8, {})];
    const came = await exchange(this.bootstrap, Buffer.concat(frames));
    const correlationId = typeof came === "string" ? null : Buffer.from(came).readInt32BE(0);
    const reply = correlationId === 8 ? "silence" : correlationId === null ? came : `an answer to ${correlationId}`;
    this.steps.push({ label: `${api.name} v${version}: ${what}`, reply });
  }

  /** A request that no declaration has: a header, then nothing that could be meant. ApiVersions is answered in version 0. */
  async askUnserved(what: string, apiKey: number, version: number): Promise<void> {
    const frame = Buffer.alloc(4 + 8 + 2 + 1); // the last byte: no tagged fields, where the header has them
    frame.writeInt32BE(frame.length - 4, 0);
    frame.writeInt16BE(apiKey, 4);
    frame.writeInt16BE(version, 6);
    frame.writeInt32BE(7, 8);
    frame.writeInt16BE(-1, 12); // no client id
    const came = await exchange(this.bootstrap, frame);
    const reply = typeof came === "string" ? came : this.#plain(decodeResponse(ApiVersions as never, 0, 7, came), "", []);
    this.steps.push({ label: `Unserved key ${apiKey} v${version}: ${what}`, reply });
  }

  /** As `ask`, for every version that Kafka serves, or for those from `from` to `to`. */
  async every(what: string, api: AnyApi, request: (version: number) => unknown, range: { from?: number; to?: number } = {}): Promise<void> {
    const { minVersion: first, maxVersion: last } = api;
    for (let version = Math.max(first, range.from ?? 0); version <= Math.min(last, range.to ?? 99); version++) {
      await this.ask(what, api, version, request(version));
    }
  }

  /** From now on `value` (an id that the broker chose) is written as `name`. */
  call(value: unknown, name: string): void {
    this.#names.set(String(value), name);
  }

  #token(kind: string, value: unknown): string {
    const known = this.#names.get(String(value));
    if (known !== undefined) return known;
    const next = (this.#counters.get(kind) ?? 0) + 1;
    this.#counters.set(kind, next);
    const name = `<${kind} ${next}>`;
    this.#names.set(String(value), name);
    return name;
  }

  #plain(value: unknown, field: string, own: readonly string[]): unknown {
    if (value instanceof Uint8Array) return `${value.length} bytes ${Buffer.from(value).toString("hex").slice(0, 400)}`;
    if (Array.isArray(value)) return value.map((item: unknown) => this.#plain(item, field, own));
    if (typeof value === "object" && value !== null) {
      return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, this.#plain(member, name, own)]));
    }
    if (own.includes(field)) return (value as number) > 0 ? `<${field}>` : value;
    switch (field) {
      case "topicId":
        return value === ZERO_UUID ? "zero" : this.#names.get(String(value)) ?? "<topic id>";
      case "memberId":
      case "leader":
        return value === "" ? "" : this.#token("member", value);
      case "producerId":
        return value === -1 || value === 4242 ? value : this.#token("producer", value);
      case "sessionId":
        return value === 0 ? 0 : this.#token("session", value);
      case "errorMessage":
      case "batchIndexErrorMessage":
      case "documentation":
        return value === null || value === "" ? value : "<text>";
      case "port":
        return (value as number) > 0 ? "<port>" : value;
      case "clusterId":
        return value === "" || value === null ? value : "<cluster>";
      case "logDir":
        return value === "" ? value : "<directory>";
      case "totalBytes":
      case "usableBytes":
        return (value as number) > 0 ? "<bytes>" : value;
      case "lastTimestamp":
      case "logAppendTimeMs":
      case "lastFetchTimestamp":
      case "lastCaughtUpTimestamp":
        return (value as number) > 1_600_000_000_000 ? "<now>" : value;
      default:
        return typeof value === "bigint" ? Number(value) : value;
    }
  }
}

/**
 * Kafka answers a change before its brokers have heard of it: asks, in steps that are not compared, until it is so.
 * @param what for the error when it never is: `topic "orders" is served`.
 */
export async function until(bootstrap: string, what: string, isSo: (peer: Peer) => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 1_000; tries++) {
    if (await isSo(new Peer(bootstrap))) return;
    await Bun.sleep(20);
  }
  throw new Error(`Gave up waiting until ${what} at "${bootstrap}"`);
}

const frameOf = (api: AnyApi, apiVersion: number, correlationId: number, request: unknown): Uint8Array[] =>
  encodeRequest(api as never, { apiVersion, correlationId, clientId: "differential" }, request as never, new Writer());

/** The frame without its prefix, or what came instead. */
function exchange(bootstrap: string, bytes: Uint8Array): Promise<Uint8Array | string> {
  const { promise, resolve } = Promise.withResolvers<Uint8Array | string>();
  const [host, port] = bootstrap.split(":") as [string, string];
  const socket = connect({ host, port: Number(port) });
  let received: Buffer = Buffer.alloc(0);
  const timer = setTimeout(() => finish("no reply"), REPLY_TIMEOUT_MS);
  const finish = (outcome: Uint8Array | string) => {
    clearTimeout(timer);
    socket.destroy();
    resolve(outcome);
  };
  socket.on("data", (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    if (received.length >= 4 && received.length >= 4 + received.readInt32BE(0)) finish(received.subarray(4, 4 + received.readInt32BE(0)));
  });
  socket.on("close", () => finish("closed"));
  socket.on("error", () => finish("closed"));
  socket.write(bytes);
  return promise;
}
