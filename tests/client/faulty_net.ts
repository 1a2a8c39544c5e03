/**
 * A net whose Produce requests meet faults, one for each in turn; everything else passes. A fault that claims that nothing was written is only
 * played where nothing was: no true broker lies about that. Frames are whole on both sides, so a fault hits exactly one request.
 */
import type { Io, Net, Socket, SocketHandler } from "../../lib/io/mod.ts";
import {
  cutFrames,
  decode,
  encodeResponse,
  errorCode,
  isFlexible,
  type KafkaErrorName,
  Produce,
  readBatchHeader,
  readClientId,
  Reader,
  readInt32,
  readRequestPrefix,
  Writer,
} from "../../lib/protocol/mod.ts";
import { join } from "../broker/harness.ts";

export type Fault =
  | "none"
  /** The connection ends, the request was never seen. */
  | "lost-request"
  /** The request is served, the connection ends before its reply. */
  | "lost-reply"
  /** As before, in the middle of the reply. */
  | "cut-reply"
  /** The request is served, its reply makes no sense. */
  | "garbled-reply"
  /** The request is not served and answered with an error. */
  | { readonly refused: KafkaErrorName }
  /** The request is served and answered with an error that allows that. */
  | { readonly served: KafkaErrorName };

const FRAME_BYTES_MAX = 100_000_000;

interface Flight {
  readonly fault: Fault;
  readonly version: number;
  // deno-lint-ignore no-explicit-any -- a decoded request
  readonly request: any;
}

/** @param next the fault of the next Produce request. */
export function faultyIo(io: Io, next: () => Fault): Io {
  const seen = new Set<string>();
  const net: Net = {
    ...io.net,
    dial: (address, open, deadline) => io.net.dial(address, (socket) => new FaultyConnection(socket, next, seen).attach(open), deadline),
  };
  return { ...io, net };
}

class FaultyConnection {
  readonly #real: Socket;
  readonly #next: () => Fault;
  /** Batches that a broker has been given, by their identity. */
  readonly #seen: Set<string>;
  readonly #flights = new Map<number, Flight>();
  #handler!: SocketHandler;
  #sent: Uint8Array = new Uint8Array(0);
  #received: Uint8Array = new Uint8Array(0);
  #unsent: Uint8Array[] = [];
  #isEnded = false;

  constructor(real: Socket, next: () => Fault, seen: Set<string>) {
    this.#real = real;
    this.#next = next;
    this.#seen = seen;
  }

  attach(open: (socket: Socket) => SocketHandler): SocketHandler {
    const real = this.#real;
    this.#handler = open({
      id: real.id,
      remote: real.remote,
      local: real.local,
      write: (bytes) => this.#write(bytes),
      pause: () => real.pause(),
      resume: () => real.resume(),
      end: () => real.end(),
      destroy: () => real.destroy(),
    });
    return {
      onData: (chunk) => this.#onData(chunk),
      onDrain: () => this.#flush(),
      onClose: (error) => this.#handler.onClose(error),
    };
  }

  #write(bytes: Uint8Array): number {
    this.#sent = join([this.#sent, bytes]);
    const { frames, consumed } = cutFrames(this.#sent, FRAME_BYTES_MAX);
    let at = 0;
    for (const frame of frames) {
      const whole = this.#sent.slice(at, at += frame.length + 4);
      if (this.#onRequest(frame)) this.#unsent.push(whole);
    }
    this.#sent = this.#sent.slice(consumed);
    this.#flush();
    return bytes.length;
  }

  #flush(): void {
    while (this.#unsent.length > 0 && !this.#isEnded) {
      const first = this.#unsent[0]!;
      const taken = this.#real.write(first);
      if (taken < 0) return;
      if (taken < first.length) return void (this.#unsent[0] = first.subarray(taken));
      this.#unsent.shift();
    }
  }

  /** Whether the broker is given the request. */
  #onRequest(frame: Uint8Array): boolean {
    if (this.#isEnded) return false;
    const reader = new Reader(frame);
    const { apiKey, apiVersion: version, correlationId } = readRequestPrefix(reader);
    if (apiKey !== Produce.key) return true;
    readClientId(reader, isFlexible(Produce, version));
    const request = decode(Produce.request, version, reader);
    const fault = this.#playable(this.#next(), request);
    if (fault === "lost-request") {
      this.#end();
      return false;
    }
    if (typeof fault === "object" && "refused" in fault) {
      Promise.resolve().then(() => this.#isEnded || this.#handler.onData(errorReply(version, correlationId, request, fault.refused)));
      return false;
    }
    for (const id of identities(request)) this.#seen.add(id);
    this.#flights.set(correlationId, { fault, version, request });
    return true;
  }

  #playable(fault: Fault, request: Flight["request"]): Fault {
    if (typeof fault !== "object" || "served" in fault) return fault;
    if (identities(request).some((id) => this.#seen.has(id))) return "none";
    return fault.refused === "MESSAGE_TOO_LARGE" && headers(request).some(({ recordCount }) => recordCount === 1) ? "none" : fault;
  }

  #onData(chunk: Uint8Array): void {
    this.#received = join([this.#received, chunk]);
    const { frames, consumed } = cutFrames(this.#received, FRAME_BYTES_MAX, 4);
    let at = 0;
    for (const frame of frames) {
      const whole = this.#received.slice(at, at += frame.length + 4);
      if (!this.#isEnded) this.#onReply(whole, readInt32(frame, 0));
    }
    this.#received = this.#received.slice(consumed);
  }

  #onReply(whole: Uint8Array, correlationId: number): void {
    const flight = this.#flights.get(correlationId);
    this.#flights.delete(correlationId);
    const { fault } = flight ?? { fault: "none" };
    if (fault === "none") return this.#handler.onData(whole);
    if (fault === "garbled-reply") return this.#handler.onData(whole.fill(0xee, 8));
    if (typeof fault === "object" && "served" in fault) {
      return this.#handler.onData(errorReply(flight!.version, correlationId, flight!.request, fault.served));
    }
    if (fault === "cut-reply") this.#handler.onData(whole.slice(0, whole.length >> 1));
    this.#end();
  }

  #end(): void {
    this.#isEnded = true;
    this.#real.destroy();
  }
}

function headers(request: Flight["request"]) {
  return request.topicData.flatMap(({ partitionData }: { partitionData: { records: Uint8Array }[] }) =>
    partitionData.map(({ records }) => readBatchHeader(records))
  ) as readonly ReturnType<typeof readBatchHeader>[];
}

function identities(request: Flight["request"]): readonly string[] {
  // deno-lint-ignore no-explicit-any -- a decoded request
  return request.topicData.flatMap(({ name, topicId, partitionData }: any) =>
    // deno-lint-ignore no-explicit-any -- as above
    partitionData.map(({ index, records }: any) => {
      const { producerId, producerEpoch, baseSequence } = readBatchHeader(records);
      return [name, topicId, index, producerId, producerEpoch, baseSequence].join();
    })
  );
}

function errorReply(version: number, correlationId: number, request: Flight["request"], error: KafkaErrorName): Uint8Array {
  // deno-lint-ignore no-explicit-any -- a decoded request
  const responses = request.topicData.map(({ name, topicId, partitionData }: any) => ({
    name,
    topicId,
    partitionResponses: partitionData.map(({ index }: { index: number }) => ({ index, errorCode: errorCode(error), baseOffset: -1 })),
  }));
  return join(encodeResponse(Produce, version, correlationId, { responses }, new Writer()));
}
