/**
 * One request from its being asked for to its result: encodes itself once the version is known, reads its reply, and ends exactly once.
 * Does not know where it is sent.
 */
import type { Deadline, Waker } from "../io/mod.ts";
import { type Api, decodeResponse, EncodeError, encodeRequest, type Writer } from "../protocol/mod.ts";
import type { Connection, Pending } from "./connection.ts";
import { KafkaError } from "./errors.ts";
import type { CallOptions } from "./types.ts";
import { commonVersion } from "./versions.ts";

/** What a lane needs to know of a call, whatever it asks. */
export interface AnyCall {
  readonly title: string;
  readonly deadline: Deadline;
  waker: Waker | null;
  /** On the monotonic clock; -1 before it has left. */
  sentAt: number;
  readonly isSettled: boolean;
  /** Leaves on `connection`, or fails by itself when it cannot be said there. */
  sendOn(connection: Connection, name: string, clientId: string, nowMs: number): void;
  fail(error: Error): void;
}

export class Call<Draft, Read> implements AnyCall, Pending {
  readonly result: Promise<Read>;
  readonly deadline: Deadline;
  waker: Waker | null = null;
  sentAt = -1;
  isSettled = false;
  readonly #api: Api<unknown, never, Draft, Read>;
  readonly #draft: Draft;
  readonly #options: CallOptions;
  readonly #onReplied: (throttleTimeMs: number) => void;
  /** False: there is no reply, and `result` comes when the request is on its way. */
  readonly #hasReply: boolean;
  #resolve!: (value: Read) => void;
  #reject!: (error: Error) => void;
  #version = -1;

  constructor(
    api: Api<unknown, never, Draft, Read>,
    draft: Draft,
    options: CallOptions,
    hasReply: boolean,
    onReplied: (throttleTimeMs: number) => void,
  ) {
    this.#api = api;
    this.#draft = draft;
    this.#options = options;
    this.#hasReply = hasReply;
    this.#onReplied = onReplied;
    this.deadline = options.deadline;
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  get title(): string {
    return this.#version < 0 ? this.#api.name : `${this.#api.name} v${this.#version}`;
  }

  sendOn(connection: Connection, name: string, clientId: string, nowMs: number): void {
    const version = commonVersion(this.#api, connection.versions, this.#options);
    if (version === null) return this.fail(noCommonVersion(this.#api, name, connection, this.#options));
    this.#version = version;
    try {
      connection.send(
        (correlationId, writer) => this.#encode(version, correlationId, clientId, writer),
        this.#hasReply ? this : null,
      );
      this.sentAt = nowMs;
    } catch (error) {
      // A value that the wire cannot carry: the caller's, and no other request is touched.
      if (!(error instanceof EncodeError)) throw error;
      return this.fail(new KafkaError("INVALID_REQUEST", error.message, { cause: error }));
    }
    if (!this.#hasReply) this.#succeed(undefined as Read);
  }

  onReply(frame: Uint8Array, correlationId: number): void {
    const reply = decodeResponse(this.#api, this.#version, correlationId, frame);
    const { throttleTimeMs } = reply as { readonly throttleTimeMs?: number };
    this.#onReplied(throttleTimeMs ?? 0);
    this.#succeed(reply);
  }

  onLost(why: KafkaError): void {
    this.fail(
      new KafkaError(why.error, `Cannot tell the outcome of ${this.title}: ${why.message}`, {
        cause: why,
        retriable: why.retriable,
        isOutcomeUnknown: true,
      }),
    );
  }

  fail(error: Error): void {
    if (this.#settle()) this.#reject(error);
  }

  #succeed(reply: Read): void {
    if (this.#settle()) this.#resolve(reply);
  }

  #settle(): boolean {
    if (this.isSettled) return false;
    this.isSettled = true;
    this.waker?.cancel();
    return true;
  }

  #encode(apiVersion: number, correlationId: number, clientId: string, writer: Writer): readonly Uint8Array[] {
    return encodeRequest(this.#api, { apiVersion, correlationId, clientId }, this.#draft, writer);
  }
}

function noCommonVersion(
  api: { readonly name: string; readonly key: number; readonly minVersion: number; readonly maxVersion: number },
  name: string,
  connection: Connection,
  { minVersion, maxVersion }: CallOptions,
): KafkaError {
  const served = connection.versions.get(api.key);
  const theirs = served === undefined ? "it does not serve it" : `it serves versions ${served.minVersion} to ${served.maxVersion}`;
  const ours = `${Math.max(api.minVersion, minVersion ?? 0)} to ${Math.min(api.maxVersion, maxVersion ?? Infinity)}`;
  return new KafkaError("UNSUPPORTED_VERSION", `Cannot send ${api.name} to ${name}: ${theirs}, versions ${ours} would do`);
}
