/**
 * A connection without the client room: several requests in flight, as they are on the wire. Every reply must be that of the oldest request
 * which has none, and no request is answered twice; only a connection that ended answers nothing. Source: Kafka protocol guide, "Network".
 */
import { type Address, DeadlineExceeded, IoFailed, type Socket } from "../../io/mod.ts";
import { type Api, cutFrames, decodeResponse, encodeRequest, Writer } from "../../protocol/mod.ts";
import type { Client } from "./client.ts";

/** What a client takes at most. */
const FRAME_BYTES_MAX = 16 * 1024 * 1024;
const RESPONSE_BYTES_MIN = 4;
const CORRELATION_IDS = 0x7fff_ffff;

interface Asked {
  readonly title: string;
  readonly correlationId: number;
  /** @throws {DecodeError} */
  onReply(frame: Uint8Array): void;
  onLost(): void;
}

export class WireConnection {
  readonly #client: Client;
  readonly #clientId: string;
  readonly #encoder = new Writer();
  #socket: Socket | null = null;
  #isClosed = false;
  #unsent: Uint8Array[] = [];
  #arrived = new Uint8Array(0);
  /** In the order in which they were asked. */
  #underWay: Asked[] = [];
  #progress: (() => void)[] = [];

  private constructor(client: Client, clientId: string) {
    this.#client = client;
    this.#clientId = clientId;
  }

  /** @param name for the broker, and for what is wrong with it. @returns null when nobody answers in time. */
  static async open(client: Client, address: Address, name: string, timeoutMs: number): Promise<WireConnection | null> {
    const connection = new WireConnection(client, name);
    const { net, deadlines } = client.io;
    try {
      await net.dial(address, (socket) => connection.#opened(socket), deadlines.in("dial", timeoutMs));
      return connection;
    } catch (error) {
      if (error instanceof IoFailed || error instanceof DeadlineExceeded) return null;
      throw error;
    }
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }
  /** Requests without a reply. */
  get underWay(): number {
    return this.#underWay.length;
  }

  /** Sends a request at once. @returns its reply, or null when the connection ends before. */
  ask<Draft, Reply>(api: Api<unknown, never, Draft, Reply>, apiVersion: number, request: Draft): Promise<Reply | null> {
    return new Promise((resolve) => {
      // Ids of the client's choice: replies that change places are seen, even between requests of one kind.
      const correlationId = this.#client.draws.below(CORRELATION_IDS);
      const asked: Asked = {
        title: `${api.name} v${apiVersion}`,
        correlationId,
        onReply: (frame) => resolve(decodeResponse(api, apiVersion, correlationId, frame)),
        onLost: () => resolve(null),
      };
      if (this.#isClosed) return asked.onLost();
      this.#underWay.push(asked);
      this.#send(encodeRequest(api, { apiVersion, correlationId, clientId: this.#clientId }, request, this.#encoder));
    });
  }

  /** Sends a request that has no reply (acks=0). */
  tell<Draft, Reply>(api: Api<unknown, never, Draft, Reply>, apiVersion: number, request: Draft): void {
    const correlationId = this.#client.draws.below(CORRELATION_IDS);
    if (!this.#isClosed) this.#send(encodeRequest(api, { apiVersion, correlationId, clientId: this.#clientId }, request, this.#encoder));
  }

  /** Resolves when a request has got its reply, or the connection is gone. */
  progress(): Promise<void> {
    return this.#isClosed ? Promise.resolve() : new Promise((resolve) => this.#progress.push(resolve));
  }

  /** Ends it at once, with everything that is under way. */
  close(): void {
    if (this.#isClosed) return;
    this.#socket?.destroy();
    this.#closed();
  }

  #opened(socket: Socket) {
    this.#socket = socket;
    return {
      onData: (chunk: Uint8Array) => this.#read(chunk),
      onDrain: () => this.#flush(),
      onClose: () => this.#closed(),
    };
  }

  #send(chunks: readonly Uint8Array[]): void {
    this.#unsent.push(...chunks);
    this.#flush();
  }

  #flush(): void {
    while (!this.#isClosed && this.#unsent.length > 0) {
      const bytes = this.#unsent[0]!;
      const taken = this.#socket!.write(bytes);
      if (taken < 0) return;
      if (taken < bytes.length) return void (this.#unsent[0] = bytes.subarray(taken));
      this.#unsent.shift();
    }
  }

  #read(chunk: Uint8Array): void {
    if (this.#isClosed) return;
    const bytes = new Uint8Array(this.#arrived.length + chunk.length);
    bytes.set(this.#arrived);
    bytes.set(chunk, this.#arrived.length);
    try {
      const { frames, consumed } = cutFrames(bytes, FRAME_BYTES_MAX, RESPONSE_BYTES_MIN);
      this.#arrived = bytes.slice(consumed);
      for (const frame of frames) this.#onFrame(frame);
    } catch (error) {
      this.#fail(error instanceof Error ? error.message : String(error));
    }
  }

  #onFrame(frame: Uint8Array): void {
    const answered = new DataView(frame.buffer, frame.byteOffset).getInt32(0);
    const asked = this.#underWay.shift();
    if (asked === undefined) return this.#fail(`a reply with the correlation id ${answered} came, but nothing is under way`);
    if (answered !== asked.correlationId) {
      const meant = this.#underWay.find(({ correlationId }) => correlationId === answered);
      const which = meant === undefined ? "which nobody asked under" : `that of ${meant.title}, which was asked later`;
      return this.#fail(`reply order: ${asked.title} (${asked.correlationId}) is due, but a reply came for ${answered}, ${which}`);
    }
    asked.onReply(frame);
    this.#wake();
  }

  #closed(): void {
    this.#isClosed = true;
    const lost = this.#underWay;
    this.#underWay = [];
    this.#unsent = [];
    for (const asked of lost) asked.onLost();
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#progress.splice(0)) wake();
  }

  #fail(why: string): void {
    this.#client.world.fail(`${this.#clientId}: ${why}`);
    this.close();
  }
}
