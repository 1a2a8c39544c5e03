/**
 * The calls of one (node, lane): a queue before one connection, which is dialled when there is something to send and closed when it was
 * idle for long. Waits out backoff and throttle times, and ends a connection that does not answer. Retries nothing: a call fails once.
 */
import { type Address, type Deadline, DeadlineExceeded, type Io, narrow, Overloaded, type Timer } from "../io/mod.ts";
import { type AnyApi, type Api } from "../protocol/mod.ts";
import type { Log } from "../telemetry/mod.ts";
import { type AnyCall, Call } from "./call.ts";
import { Connection, type ConnectionOwner } from "./connection.ts";
import { KafkaError } from "./errors.ts";
import { addressText, type ClientSettings } from "./options.ts";
import { backoffMs } from "./retry.ts";
import type { CallOptions } from "./types.ts";
import { commonVersion } from "./versions.ts";

/** Requests on the wire at once. */
const UNDER_WAY_MAX = 100;
/** Requests that wait for their turn; more are refused (`Overloaded`). */
const WAITING_MAX = 10_000;

export interface LaneContext {
  readonly io: Io;
  readonly settings: ClientSettings;
  readonly softwareVersion: string;
  readonly log: Log;
  /** The node is not where we believed, or not there. */
  onUnreachable(): void;
}

export class Lane implements ConnectionOwner {
  readonly io: Io;
  readonly clientId: string;
  readonly softwareVersion: string;
  readonly #context: LaneContext;
  readonly #settings: ClientSettings;
  readonly #address: () => Address | null;
  readonly #label: string;
  /** Whether a reply that comes late is the broker's right here. */
  readonly #repliesWait: boolean;
  readonly #waiting = new Set<AnyCall>();
  #connection: Connection | null = null;
  #opening: Promise<Connection> | null = null;
  /** Tries in a row that gave no reply. */
  #failures = 0;
  #dialNotBefore = 0;
  #mutedUntil = 0;
  #timers = new Set<Timer>();
  #usedAt = 0;
  #closed: KafkaError | null = null;

  /** @param address asked at every dial, because a node may move; null: it is not known any more. @param label `node 1`, for messages. */
  constructor(context: LaneContext, label: string, address: () => Address | null, repliesWait: boolean) {
    this.#context = context;
    this.io = context.io;
    this.#settings = context.settings;
    this.clientId = context.settings.clientId;
    this.softwareVersion = context.softwareVersion;
    this.#label = label;
    this.#address = address;
    this.#repliesWait = repliesWait;
  }

  get isConnected(): boolean {
    return this.#connection !== null;
  }

  /** Calls that wait or are under way. */
  get load(): number {
    return this.#waiting.size + (this.#connection?.underWay ?? 0);
  }

  /** Takes its place in the queue before it returns. @throws {KafkaError} as `Cluster.call`. @throws {Overloaded} */
  submit<Draft, Read>(api: Api<unknown, never, Draft, Read>, draft: Draft, options: CallOptions, hasReply = true): Promise<Read> {
    if (this.#closed !== null) return Promise.reject(this.#closed);
    if (this.#waiting.size >= WAITING_MAX) return Promise.reject(new Overloaded(`requests to ${this.#name}`, WAITING_MAX));
    const call = new Call(api, draft, options, hasReply, (throttleTimeMs) => this.#onReplied(throttleTimeMs));
    call.waker = this.io.deadlines.wake(call.deadline, () => this.#onLate(call));
    this.#waiting.add(call);
    this.#pump();
    return call.result;
  }

  /** Resolves when there is a connection. @throws {KafkaError} */
  async connect(deadline: Deadline): Promise<Connection> {
    if (this.#closed !== null) throw this.#closed;
    if (this.#connection !== null) return this.#connection;
    try {
      return await this.io.deadlines.guard(deadline, this.#name, this.#open());
    } catch (error) {
      if (!(error instanceof DeadlineExceeded)) throw error;
      throw new KafkaError("REQUEST_TIMED_OUT", `Cannot connect to ${this.#name} in time: ${error.message}`, { cause: error });
    }
  }

  async versionOf(api: Pick<AnyApi, "key" | "minVersion" | "maxVersion">, deadline: Deadline): Promise<number | null> {
    return commonVersion(api, (await this.connect(deadline)).versions);
  }

  /** Fails everything with `why`. */
  close(why: KafkaError): void {
    if (this.#closed !== null) return;
    this.#closed = why;
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    this.#connection?.close(why);
    this.#failWaiting(why);
  }

  onProgress(): void {
    this.#pump();
  }

  onClosed(connection: Connection, why: KafkaError): void {
    if (connection !== this.#connection) return;
    this.#connection = null;
    this.#context.log("debug", "Connection closed", { peer: this.#name, cause: why.message });
    if (this.#closed !== null) return;
    this.#context.onUnreachable();
    if (this.#failures > 0) this.#backOff();
    this.#failures++;
    if (this.#waiting.size > 0) this.#pump();
  }

  get #name(): string {
    const address = this.#address();
    return address === null ? this.#label : this.#label === "" ? addressText(address) : `${this.#label} (${addressText(address)})`;
  }

  #pump(): void {
    if (this.#waiting.size === 0 || this.#closed !== null) return;
    const connection = this.#connection;
    if (connection === null) {
      // Whoever waits is told by `#open` itself.
      this.#open().catch((error: Error) => this.#failWaiting(error));
      return;
    }
    const now = this.io.clock.mono();
    if (now < this.#mutedUntil) return;
    for (const call of this.#waiting) {
      if (connection.underWay >= UNDER_WAY_MAX || connection.isBackedUp) return;
      this.#waiting.delete(call);
      this.#usedAt = now;
      call.sendOn(connection, this.#name, this.clientId, now);
      this.#watchReply(call, now);
    }
  }

  /** In the default lane a broker answers at once: no reply for `requestTimeoutMs` is a failure even with a longer deadline. */
  #watchReply(call: AnyCall, now: number): void {
    if (call.isSettled || this.#repliesWait || call.deadline.at <= now + this.#settings.requestTimeoutMs) return;
    call.waker?.cancel();
    call.waker = this.io.deadlines.wake(
      narrow(call.deadline, call.title, now, this.#settings.requestTimeoutMs),
      () => this.#onLate(call),
    );
  }

  #onLate(call: AnyCall): void {
    if (call.isSettled) return;
    const wasWaiting = this.#waiting.delete(call);
    if (wasWaiting) {
      const why = `Cannot send ${call.title} to ${this.#name} in time: ${this.#connection === null ? "no connection" : "others are first"}`;
      return call.fail(new KafkaError("REQUEST_TIMED_OUT", why));
    }
    const waitedMs = this.io.clock.mono() - call.sentAt;
    const why = `Cannot tell the outcome of ${call.title}: no reply from ${this.#name} in ${Math.round(waitedMs)} ms`;
    call.fail(new KafkaError("REQUEST_TIMED_OUT", why, { isOutcomeUnknown: true }));
    this.#endIfStuck(call);
  }

  /** Replies come in order: behind one that does not come nothing else does. */
  #endIfStuck(call: AnyCall): void {
    const connection = this.#connection;
    if (connection === null) return;
    const stuckAt = this.#repliesWait ? 0 : call.sentAt + this.#settings.requestTimeoutMs;
    const end = () => {
      if (connection !== this.#connection || !connection.isUnderWay(call)) return;
      this.io.mark("client.connection.stuck");
      connection.close(new KafkaError("NETWORK_EXCEPTION", `${this.#name} did not answer ${call.title} in time`));
    };
    if (this.io.clock.mono() >= stuckAt) end();
    else this.io.deadlines.wake({ op: call.title, at: stuckAt }, end);
  }

  #open(): Promise<Connection> {
    return this.#opening ??= this.#dial().finally(() => this.#opening = null);
  }

  async #dial(): Promise<Connection> {
    await this.#pauseUntil(this.#dialNotBefore);
    if (this.#closed !== null) throw this.#closed;
    const address = this.#address();
    if (address === null) throw new KafkaError("NETWORK_EXCEPTION", `Cannot connect to ${this.#label}: it is not in the metadata`);
    const name = this.#name;
    let connection: Connection;
    try {
      connection = await Connection.open(this, address, name, this.io.deadlines.in("connect", this.#settings.connectTimeoutMs));
    } catch (cause) {
      this.#failures++;
      this.#backOff();
      this.#context.onUnreachable();
      if (cause instanceof KafkaError && !cause.retriable) throw cause;
      throw new KafkaError("NETWORK_EXCEPTION", `Cannot connect to ${name}: ${reason(cause)}`, { cause });
    }
    if (this.#closed !== null) {
      connection.close(this.#closed);
      throw this.#closed;
    }
    this.#connection = connection;
    this.#usedAt = this.io.clock.mono();
    this.#watchIdle();
    this.#pump();
    return connection;
  }

  #backOff(): void {
    this.#dialNotBefore = this.io.clock.mono() + backoffMs(this.#failures, this.#settings, this.io.random("client").float());
  }

  async #pauseUntil(at: number): Promise<void> {
    const ms = at - this.io.clock.mono();
    if (ms > 0) await new Promise<void>((resolve) => this.#after(ms, resolve));
  }

  #after(ms: number, fire: () => void, keepsAlive = true): void {
    const timer = this.io.timers.after(ms, () => {
      this.#timers.delete(timer);
      fire();
    }, keepsAlive);
    this.#timers.add(timer);
  }

  #onReplied(ms: number): void {
    this.#failures = 0;
    if (ms <= 0) return;
    this.#mutedUntil = Math.max(this.#mutedUntil, this.io.clock.mono() + ms);
    this.#context.log("debug", "Throttled by the broker", { peer: this.#name, throttleTimeMs: ms });
    this.#after(ms, () => this.#pump());
  }

  #watchIdle(): void {
    const connection = this.#connection;
    const { connectionsMaxIdleMs } = this.#settings;
    this.#after(Math.max(1, this.#usedAt + connectionsMaxIdleMs - this.io.clock.mono()), () => {
      if (connection === null || connection !== this.#connection) return;
      const isIdle = this.load === 0 && this.io.clock.mono() >= this.#usedAt + connectionsMaxIdleMs;
      if (!isIdle) return this.#watchIdle();
      this.#connection = null;
      connection.close(new KafkaError("NETWORK_EXCEPTION", `Connection to ${this.#name} was idle`));
    }, false);
  }

  #failWaiting(why: Error): void {
    const failed = [...this.#waiting];
    this.#waiting.clear();
    for (const call of failed) call.fail(why);
  }
}

const reason = (cause: unknown): string => {
  if (cause instanceof DeadlineExceeded) return `no answer in ${Math.round(cause.budgetMs)} ms`;
  return cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
};
