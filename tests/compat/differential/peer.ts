/** Asks one broker and keeps the replies in a form that can be laid beside another broker's. Judges nothing: that is compare.ts. */
import { connect } from "node:net";
import { type AnyApi, decodeResponse, encodeRequest, Writer, ZERO_UUID } from "../../../lib/protocol/mod.ts";

export interface Step {
  readonly label: string;
  /** The reply with what legitimately differs replaced, or why there is none. */
  readonly reply: unknown;
}

// deno-lint-ignore no-explicit-any
export type Reply = any;

const REPLY_TIMEOUT_MS = 5_000;

export class Peer {
  readonly steps: Step[] = [];
  readonly #names = new Map<string, string>();
  #counters = new Map<string, number>();

  constructor(readonly bootstrap: string, readonly log: (step: Step) => void = () => {}) {}

  /** One request in one version; keeps and returns the reply, null when the broker closed or did not answer. */
  async ask(what: string, api: AnyApi, version: number, request: unknown): Promise<Reply> {
    const label = `${api.name} v${version}: ${what}`;
    const bytes = Buffer.concat(
      encodeRequest(api as never, { apiVersion: version, correlationId: 7, clientId: "differential" }, request as never, new Writer()),
    );
    const frame = await exchange(this.bootstrap, bytes);
    const reply: Reply = typeof frame === "string" ? null : decodeResponse(api as never, version, 7, frame);
    const step = { label, reply: typeof frame === "string" ? frame : this.#plain(reply, "") };
    this.steps.push(step);
    this.log(step);
    return reply;
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

  #plain(value: unknown, field: string): unknown {
    if (value instanceof Uint8Array) return `${value.length} bytes ${Buffer.from(value).toString("hex").slice(0, 400)}`;
    if (Array.isArray(value)) {
      const items = value.map((item: unknown) => this.#plain(item, field));
      // Kafka answers several APIs in the order of a hash map.
      return items.length > 1 && typeof items[0] === "object" ? items.sort((a, b) => keyOf(a) < keyOf(b) ? -1 : 1) : items;
    }
    if (typeof value === "object" && value !== null) {
      return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, this.#plain(member, name)]));
    }
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
        return "<cluster>";
      case "logDir":
        return "<directory>";
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

function keyOf(value: unknown): string {
  const row = value as Record<string, unknown>;
  const key = row["name"] ?? row["topic"] ?? row["groupId"] ?? row["resourceName"] ?? row["key"] ?? row["partitionIndex"] ??
    row["partition"] ?? row["index"];
  return `${String(key).padStart(8, "0")} ${JSON.stringify(value)}`;
}

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
