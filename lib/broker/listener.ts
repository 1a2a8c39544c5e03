/**
 * The Kafka port: accepts connections within their limits and owns those that are open. One more than allowed is closed at once,
 * which costs less than making it wait (HAZARDS X1).
 */
import {
  type Address,
  BufferPool,
  type BufferPoolStats,
  ByteBudget,
  type ByteBudgetStats,
  type Deadline,
  type Io,
  type Listener,
  type Socket,
} from "../io/mod.ts";
import { Connection, type ConnectionState, type Shared } from "./connection.ts";
import type { AnyHandler } from "./handler.ts";
import { type BrokerLimits, DEFAULT_LIMITS } from "./limits.ts";
import { type PeerEvent, PeerLog } from "./peer_log.ts";
import { SCRATCH_BYTES } from "./reply_writer.ts";
import { type ApiCount, Router } from "./router.ts";
import type { Services } from "./services.ts";

export interface KafkaServerStats {
  readonly connections: number;
  readonly accepted: number;
  readonly refused: number;
  /** Requests without an answer yet. */
  readonly requestsInFlight: number;
  readonly listeners: readonly ListenerStats[];
  readonly budget: ByteBudgetStats;
  readonly buffers: BufferPoolStats;
  /** Of replies, fetched records included, that wait for their sockets. */
  readonly unsentBytes: number;
  readonly apis: readonly ApiCount[];
  /** Peers that were refused or misbehaved, by sort. */
  readonly peerEvents: ReadonlyMap<PeerEvent, number>;
}

export interface ListenerStats {
  readonly name: string;
  readonly connections: number;
  readonly accepted: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

export interface KafkaServerOptions {
  readonly limits?: Partial<BrokerLimits>;
  readonly log?: PeerLog;
}

/** Of the sockets that the system allows: the rest is for files, peers and the admin door (HAZARDS X1). */
const SOCKET_SHARE = 0.7;
/** Not counted into the shares: standard streams, the runtime's own, the write-ahead log. */
const OTHER_FILES = 40;

/** Of the soft limit, so that reading does not flap whatever was set. */
const RESUME_SHARE_MAX = 0.9;

/** All Kafka listeners of a node, and their connections. */
export class KafkaServer {
  readonly #io: Io;
  readonly #limits: BrokerLimits;
  readonly #log: PeerLog;
  readonly #shared: Shared;
  readonly #rate: AcceptRate;
  readonly #listeners: Listener[] = [];
  readonly #connections = new Set<Connection>();
  readonly #perIp = new Map<string, number>();
  /** By listener: what was accepted, and the traffic of connections that are gone. */
  readonly #past = new Map<string, { accepted: number; receivedBytes: number; sentBytes: number }>();
  #refused = 0;
  #isStopping = false;
  /** Told when the last connection is gone, while stopping. */
  #onEmpty: (() => void) | null = null;

  constructor(services: Services, handlers: readonly AnyHandler[], { limits = {}, log }: KafkaServerOptions = {}) {
    this.#io = services.io;
    const wanted = { ...DEFAULT_LIMITS, ...limits };
    const socketsMax = Math.max(1, Math.floor(((this.#io.net.socketsMax ?? Infinity) - OTHER_FILES) * SOCKET_SHARE));
    this.#limits = { ...wanted, connectionsMax: Math.min(wanted.connectionsMax, socketsMax) };
    this.#log = log ?? new PeerLog(this.#io.clock);
    this.#rate = new AcceptRate(this.#limits.acceptsPerSecondMax);
    this.#shared = {
      io: this.#io,
      limits: this.#limits,
      pool: new BufferPool({ idleBytesMax: this.#limits.idleBufferBytesMax }),
      budget: new ByteBudget({
        softBytes: this.#limits.inFlightBytesSoft,
        resumeBytes: Math.min(this.#limits.inFlightBytesResume, this.#limits.inFlightBytesSoft * RESUME_SHARE_MAX),
        hardBytes: Math.max(this.#limits.inFlightBytesHard, this.#limits.inFlightBytesSoft),
      }),
      scratch: new Uint8Array(SCRATCH_BYTES),
      unsent: { bytes: 0 },
      router: new Router(services, handlers, this.#log),
      onClosed: (connection) => this.#forget(connection),
    };
  }

  /** @param name of the listener, `PLAINTEXT`. @throws {IoFailed} when the address cannot be had. */
  async listen(name: string, address: Address, deadline: Deadline): Promise<Address> {
    // Before anybody can come in by it.
    this.#past.set(name, { accepted: 0, receivedBytes: 0, sentBytes: 0 });
    const listener = await this.#io.net.listen(address, (socket) => this.#accept(socket, name), deadline);
    this.#listeners.push(listener);
    return listener.address;
  }

  get stats(): KafkaServerStats {
    const { pool, budget, router } = this.#shared;
    return {
      connections: this.#connections.size,
      accepted: [...this.#past.values()].reduce((sum, { accepted }) => sum + accepted, 0),
      refused: this.#refused,
      requestsInFlight: [...this.#connections].reduce((sum, { replies }) => sum + replies.unanswered, 0),
      listeners: this.#listenerStats(),
      budget: budget.stats,
      buffers: pool.stats,
      unsentBytes: this.#shared.unsent.bytes,
      apis: router.counts(),
      peerEvents: this.#log.counts(),
    };
  }

  /** Those that are open, in no order. */
  *connections(): Iterable<ConnectionState> {
    for (const connection of this.#connections) yield connection.state;
  }

  /** Accepts nothing more, answers what is in work, and closes; what is not done at the deadline is dropped. */
  async stop(deadline: Deadline): Promise<void> {
    this.#isStopping = true;
    for (const listener of this.#listeners) listener.close();
    for (const connection of [...this.#connections]) connection.drain();
    if (this.#connections.size === 0) return;
    await new Promise<void>((resolve) => {
      const waker = this.#io.deadlines.wake(deadline, () => {
        for (const connection of [...this.#connections]) connection.destroy();
      });
      this.#onEmpty = () => {
        waker.cancel();
        resolve();
      };
    });
  }

  #listenerStats(): readonly ListenerStats[] {
    const stats = new Map([...this.#past].map(([name, past]) => [name, { name, connections: 0, ...past }]));
    for (const { info, traffic } of this.#connections) {
      const own = stats.get(info.listener)!;
      own.connections++;
      own.receivedBytes += traffic.receivedBytes;
      own.sentBytes += traffic.sentBytes;
    }
    return [...stats.values()];
  }

  #accept(socket: Socket, listener: string) {
    const why = this.#refusal(socket.remote.host);
    if (why !== null) {
      this.#refused++;
      this.#io.mark("broker.connection.refused");
      this.#log.tell("tooManyConnections", socket.remote, "Refused a connection", why);
      socket.destroy();
      return DEAF;
    }
    this.#past.get(listener)!.accepted++;
    this.#perIp.set(socket.remote.host, (this.#perIp.get(socket.remote.host) ?? 0) + 1);
    const connection = new Connection(this.#shared, socket, listener);
    this.#connections.add(connection);
    return connection;
  }

  #refusal(ip: string): string | null {
    const { connectionsMax, connectionsPerIpMax, acceptsPerSecondMax } = this.#limits;
    if (this.#isStopping) return "the broker is stopping";
    if (this.#connections.size >= connectionsMax) return `${connectionsMax} are open`;
    if ((this.#perIp.get(ip) ?? 0) >= connectionsPerIpMax) return `${connectionsPerIpMax} are open from this address`;
    if (!this.#rate.take(this.#io.clock.mono())) return `more than ${acceptsPerSecondMax} came within a second`;
    return null;
  }

  #forget(connection: Connection): void {
    if (!this.#connections.delete(connection)) return;
    const { listener, remote: { host: ip } } = connection.info;
    const past = this.#past.get(listener)!;
    past.receivedBytes += connection.traffic.receivedBytes;
    past.sentBytes += connection.traffic.sentBytes;
    const left = this.#perIp.get(ip)! - 1;
    if (left > 0) this.#perIp.set(ip, left);
    else this.#perIp.delete(ip);
    if (this.#connections.size === 0) this.#onEmpty?.();
  }
}

/** For a socket that was refused. */
const DEAF = { onData() {}, onDrain() {}, onClose() {} };

/** A token bucket of one second. */
class AcceptRate {
  readonly #perSecond: number;
  /** 0 ≤ tokens ≤ perSecond. */
  #tokens: number;
  #at = -Infinity;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    this.#tokens = perSecond;
  }

  take(nowMs: number): boolean {
    this.#tokens = Math.min(this.#perSecond, this.#tokens + (nowMs - this.#at) / 1000 * this.#perSecond);
    this.#at = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}
