/**
 * One open connection to a broker: requests leave in order and pipelined, replies find theirs by correlation id. Whatever is wrong with
 * the bytes ends it, and all that is under way with it. Knows no retries and no messages; a `Pending` decodes its own reply.
 */
import { type Address, type Deadline, type Io, type Socket, type SocketHandler } from "../io/mod.ts";
import { ApiVersions, encodeRequest, readInt32, Writer } from "../protocol/mod.ts";
import { KafkaError } from "./errors.ts";
import { ReplyReader } from "./reply_reader.ts";
import { RequestWriter } from "./request_writer.ts";
import { negotiate, type ServedVersions } from "./versions.ts";

/** Who waits for a reply. */
export interface Pending {
  /** What is asked, for errors: `Produce v11`. */
  readonly title: string;
  /** The frame without its length; the bytes are the receiver's. @throws {DecodeError} for one that cannot be read: the connection ends. */
  onReply(frame: Uint8Array, correlationId: number): void;
  /** The connection is gone, or its bytes made no sense: the outcome is unknown. */
  onLost(why: KafkaError): void;
}

export interface ConnectionOwner {
  readonly io: Io;
  readonly clientId: string;
  readonly softwareVersion: string;
  /** More requests may be sent than before. */
  onProgress(): void;
  onClosed(connection: Connection, why: KafkaError): void;
}

export class Connection {
  readonly #owner: ConnectionOwner;
  readonly #name: string;
  readonly #socket: Socket;
  readonly #reader: ReplyReader;
  readonly #writer: RequestWriter;
  readonly #encoder = new Writer();
  /** In the order in which they left. */
  readonly #underWay = new Map<number, Pending>();
  #nextCorrelationId = 0;
  #closed: KafkaError | null = null;
  #versions: ServedVersions = new Map();

  private constructor(owner: ConnectionOwner, name: string, socket: Socket) {
    this.#owner = owner;
    this.#name = name;
    this.#socket = socket;
    this.#reader = new ReplyReader((frame) => this.#onFrame(frame));
    this.#writer = new RequestWriter(socket, () => owner.onProgress());
  }

  /** Dials and agrees on versions. @throws {KafkaError} `NETWORK_EXCEPTION`, or what the broker answered. @throws {IoFailed} @throws {DeadlineExceeded} */
  static async open(owner: ConnectionOwner, address: Address, name: string, deadline: Deadline): Promise<Connection> {
    let connection: Connection | null = null;
    await owner.io.net.dial(address, (socket): SocketHandler => {
      const opened = connection = new Connection(owner, name, socket);
      return {
        onData: (chunk) => opened.#onData(chunk),
        onDrain: () => opened.#writer.onDrain(),
        onClose: (error) => opened.close(new KafkaError("NETWORK_EXCEPTION", `Connection to ${name} ended`, { cause: error ?? undefined })),
      };
    }, deadline);
    const opened = connection as Connection | null;
    if (opened === null) throw new KafkaError("NETWORK_EXCEPTION", `Cannot connect to ${name}: the socket did not open`);
    try {
      opened.#versions = await owner.io.deadlines.guard(deadline, name, negotiate((version) => opened.#askVersions(version)));
      return opened;
    } catch (error) {
      opened.close(new KafkaError("NETWORK_EXCEPTION", `Cannot agree on versions with ${name}`, { cause: error }));
      throw error;
    }
  }

  get versions(): ServedVersions {
    return this.#versions;
  }

  get underWay(): number {
    return this.#underWay.size;
  }

  isUnderWay(pending: unknown): boolean {
    for (const other of this.#underWay.values()) if (other === pending) return true;
    return false;
  }

  get isBackedUp(): boolean {
    return this.#writer.isBackedUp;
  }

  /**
   * Sends one request.
   * @param encode gives the chunks for a correlation id; they stay unchanged until they have left. What it throws is thrown on, nothing is
   * sent then. @param pending null when there is no reply.
   */
  send(encode: (correlationId: number, writer: Writer) => readonly Uint8Array[], pending: Pending | null): void {
    const correlationId = this.#nextCorrelationId;
    const chunks = encode(correlationId, this.#encoder);
    this.#nextCorrelationId = correlationId === 0x7fffffff ? 0 : correlationId + 1;
    if (pending !== null) this.#underWay.set(correlationId, pending);
    this.#writer.push(chunks);
  }

  /** Ends it at once. All that is under way is told `why`, with an outcome that is unknown. */
  close(why: KafkaError): void {
    if (this.#closed !== null) return;
    this.#closed = why;
    this.#reader.stop();
    this.#socket.destroy();
    const lost = [...this.#underWay.values()];
    this.#underWay.clear();
    for (const pending of lost) pending.onLost(why);
    this.#owner.onClosed(this, why);
  }

  #onData(chunk: Uint8Array): void {
    try {
      this.#reader.push(chunk);
    } catch (cause) {
      this.close(new KafkaError("NETWORK_EXCEPTION", `Cannot read the replies of ${this.#name}: ${String(cause)}`, { cause }));
    }
  }

  #onFrame(frame: Uint8Array): void {
    const correlationId = readInt32(frame, 0);
    const pending = this.#underWay.get(correlationId);
    if (pending === undefined) throw new Error(`no request has the correlation id ${correlationId}`);
    // Only a reply that can be read takes its request off the list: otherwise the request is lost with the others.
    pending.onReply(frame, correlationId);
    this.#underWay.delete(correlationId);
    this.#owner.onProgress();
  }

  #askVersions(version: number): Promise<{ correlationId: number; frame: Uint8Array }> {
    const { clientId, softwareVersion } = this.#owner;
    const request = { clientSoftwareName: "barnabas", clientSoftwareVersion: softwareVersion };
    return new Promise((resolve, reject) => {
      this.send(
        (correlationId, writer) => encodeRequest(ApiVersions, { apiVersion: version, correlationId, clientId }, request, writer),
        {
          title: `ApiVersions v${version}`,
          onReply: (frame, correlationId) => resolve({ correlationId, frame }),
          onLost: reject,
        },
      );
    });
  }
}
