/**
 * Incremental fetch sessions (KIP-227): which partitions a consumer reads and what it was last told of each, so that a request names
 * only what changed and a reply only what is new. Holds at most `slots` sessions with Kafka's rules of eviction; reads no log.
 */
import type { Clock, Random } from "../io/io.ts";
import { type KafkaErrorName, type Uuid, ZERO_UUID } from "../protocol/mod.ts";

/** What a consumer wants of one partition. */
export interface FetchTarget {
  /** Empty when asked by topic id. */
  readonly topic: string;
  /** `ZERO_UUID` when asked by name. */
  readonly topicId: Uuid;
  readonly partition: number;
  readonly fetchOffset: number;
  readonly maxBytes: number;
  readonly currentLeaderEpoch: number;
  readonly lastFetchedEpoch: number;
}

/** What the reply would say of one partition, as far as a session cares. */
export interface FetchOutcome {
  readonly target: FetchTarget;
  readonly error: KafkaErrorName | null;
  readonly highWatermark: number;
  readonly logStartOffset: number;
  readonly byteLength: number;
  readonly diverging: boolean;
}

export interface SessionRequest {
  readonly sessionId: number;
  readonly sessionEpoch: number;
  readonly usesTopicIds: boolean;
  /** From a follower: its session is only evicted for other followers, or when it is stale. */
  readonly privileged: boolean;
  readonly targets: readonly FetchTarget[];
  readonly forgotten: readonly { readonly topic: string; readonly topicId: Uuid; readonly partition: number }[];
}

/** One fetch inside or outside a session. */
export interface FetchRound {
  /** All partitions to read, those that had data least recently first. */
  readonly targets: readonly FetchTarget[];
  /** Settles what the reply holds; call it once, when the reply is made. */
  settle<T extends FetchOutcome>(
    outcomes: readonly T[],
  ): { readonly error: KafkaErrorName | null; readonly sessionId: number; readonly rows: readonly T[] };
}

export interface FetchSessionLimits {
  /** `max.incremental.fetch.session.cache.slots`. At the maximum an old session makes room, or the fetch goes on without one. */
  readonly slots: number;
  /** A session idle for longer makes room for any other; one younger than this is only evicted for a follower. */
  readonly evictionMs: number;
  /** A session that would grow beyond this is dropped: the client starts again with full fetches. */
  readonly partitionsMax: number;
}

export const FETCH_SESSION_LIMITS: FetchSessionLimits = { slots: 1_000, evictionMs: 120_000, partitionsMax: 100_000 };

const NO_SESSION = 0;
const INITIAL_EPOCH = 0;
const FINAL_EPOCH = -1;
const EPOCH_MAX = 0x7fffffff;

/** Epochs go from 1 up and wrap to 1; 0 asks for a new session and -1 for none. */
export function nextEpoch(epoch: number): number {
  if (epoch < 0) return FINAL_EPOCH;
  return epoch === EPOCH_MAX ? 1 : epoch + 1;
}

function keyOf(at: { readonly topic: string; readonly topicId: Uuid; readonly partition: number }): string {
  return at.topicId === ZERO_UUID ? `${at.topic}\n${at.partition}` : `${at.topicId}${at.partition}`;
}

interface CachedPartition {
  readonly key: string;
  target: FetchTarget;
  /** Last told to the client; -1 after an error, so that recovery is told too. */
  highWatermark: number;
  logStartOffset: number;
}

interface FetchSession {
  readonly id: number;
  readonly privileged: boolean;
  readonly usesTopicIds: boolean;
  readonly createdAt: number;
  lastUsedAt: number;
  /** Of the next request. */
  epoch: number;
  /** In the order of reading: a partition that had data goes to the end. */
  readonly partitions: Map<string, CachedPartition>;
}

export class FetchSessions {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #limits: FetchSessionLimits;
  /** Least recently used first. */
  readonly #sessions = new Map<number, FetchSession>();
  #evictions = 0;

  constructor(clock: Clock, random: Random, limits: FetchSessionLimits = FETCH_SESSION_LIMITS) {
    this.#clock = clock;
    this.#random = random;
    this.#limits = limits;
  }

  get size(): number {
    return this.#sessions.size;
  }
  get evictions(): number {
    return this.#evictions;
  }
  get partitionCount(): number {
    let count = 0;
    for (const session of this.#sessions.values()) count += session.partitions.size;
    return count;
  }

  /** The round that a request asks for, or the error that tells the client to start its session anew. */
  open(request: SessionRequest): FetchRound | KafkaErrorName {
    if (request.sessionEpoch === INITIAL_EPOCH || request.sessionEpoch === FINAL_EPOCH) {
      this.#sessions.delete(request.sessionId);
      return request.sessionEpoch === FINAL_EPOCH ? withoutSession(request.targets) : this.#full(request);
    }
    const session = this.#sessions.get(request.sessionId);
    if (session === undefined) return "FETCH_SESSION_ID_NOT_FOUND";
    if (session.epoch !== request.sessionEpoch) return "INVALID_FETCH_SESSION_EPOCH";
    if (session.usesTopicIds !== request.usesTopicIds) return "FETCH_SESSION_TOPIC_ID_ERROR";
    for (const target of request.targets) {
      const key = keyOf(target);
      const cached = session.partitions.get(key);
      if (cached !== undefined) cached.target = target;
      else session.partitions.set(key, { key, target, highWatermark: -1, logStartOffset: -1 });
    }
    for (const gone of request.forgotten) session.partitions.delete(keyOf(gone));
    if (session.partitions.size === 0) {
      this.#sessions.delete(session.id);
      return withoutSession(request.targets);
    }
    if (session.partitions.size > this.#limits.partitionsMax) {
      this.#sessions.delete(session.id);
      return "FETCH_SESSION_ID_NOT_FOUND";
    }
    this.#touch(session);
    session.epoch = nextEpoch(session.epoch);
    return incremental(session);
  }

  #full(request: SessionRequest): FetchRound {
    return {
      targets: request.targets,
      settle: (outcomes) => {
        const session = this.#create(request, outcomes.length);
        if (session !== null) {
          for (const { target, highWatermark, logStartOffset } of outcomes) {
            const key = keyOf(target);
            session.partitions.set(key, { key, target, highWatermark, logStartOffset });
          }
        }
        return { error: null, sessionId: session?.id ?? NO_SESSION, rows: outcomes };
      },
    };
  }

  #create(request: SessionRequest, size: number): FetchSession | null {
    if (size > this.#limits.partitionsMax) return null;
    if (this.#sessions.size >= this.#limits.slots && !this.#evictFor(request.privileged, size)) return null;
    const now = this.#clock.mono();
    const session: FetchSession = {
      id: this.#newId(),
      privileged: request.privileged,
      usesTopicIds: request.usesTopicIds,
      createdAt: now,
      lastUsedAt: now,
      epoch: nextEpoch(INITIAL_EPOCH),
      partitions: new Map(),
    };
    this.#sessions.set(session.id, session);
    return session;
  }

  #newId(): number {
    for (;;) {
      const id = 1 + Math.floor(this.#random.float() * EPOCH_MAX);
      if (!this.#sessions.has(id)) return id;
    }
  }

  #touch(session: FetchSession): void {
    session.lastUsedAt = this.#clock.mono();
    this.#sessions.delete(session.id);
    this.#sessions.set(session.id, session);
  }

  /** A stale session goes first; otherwise the smallest one that is smaller than the newcomer and may be evicted for it. */
  #evictFor(privileged: boolean, size: number): boolean {
    const { evictionMs } = this.#limits;
    const oldest: FetchSession | undefined = this.#sessions.values().next().value;
    if (oldest === undefined) return false;
    let victim: FetchSession | null = null;
    if (this.#clock.mono() - oldest.lastUsedAt > evictionMs) victim = oldest;
    else {
      for (const session of this.#sessions.values()) {
        const grownUp = session.lastUsedAt - session.createdAt > evictionMs;
        if (!grownUp && (!privileged || session.privileged)) continue;
        if (victim === null || evictsBefore(session, victim)) victim = session;
      }
      if (victim !== null && (privileged !== victim.privileged ? !privileged : size <= victim.partitions.size)) victim = null;
    }
    if (victim === null) return false;
    this.#sessions.delete(victim.id);
    this.#evictions++;
    return true;
  }
}

/** Kafka's order: consumers before followers, then the smaller session. */
function evictsBefore(a: FetchSession, b: FetchSession): boolean {
  if (a.privileged !== b.privileged) return !a.privileged;
  if (a.partitions.size !== b.partitions.size) return a.partitions.size < b.partitions.size;
  return a.id < b.id;
}

function withoutSession(targets: readonly FetchTarget[]): FetchRound {
  return { targets, settle: (outcomes) => ({ error: null, sessionId: NO_SESSION, rows: outcomes }) };
}

function incremental(session: FetchSession): FetchRound {
  const { epoch } = session;
  const targets: FetchTarget[] = [];
  for (const cached of session.partitions.values()) targets.push(cached.target);
  return {
    targets,
    settle: (outcomes) => {
      // Another request of the same session overtook this one.
      if (session.epoch !== epoch) return { error: "INVALID_FETCH_SESSION_EPOCH", sessionId: session.id, rows: [] };
      return { error: null, sessionId: session.id, rows: outcomes.filter((outcome) => isNews(session, outcome)) };
    },
  };
}

/** Whether the client must be told, given what it was told before; remembers what it is told now. */
function isNews(session: FetchSession, outcome: FetchOutcome): boolean {
  const cached = session.partitions.get(keyOf(outcome.target));
  if (cached === undefined) return true;
  let news = outcome.byteLength > 0 || outcome.diverging;
  if (cached.highWatermark !== outcome.highWatermark) {
    news = true;
    cached.highWatermark = outcome.highWatermark;
  }
  if (cached.logStartOffset !== outcome.logStartOffset) {
    news = true;
    cached.logStartOffset = outcome.logStartOffset;
  }
  if (outcome.error !== null) {
    news = true;
    cached.highWatermark = -1;
  }
  if (outcome.byteLength > 0) {
    session.partitions.delete(cached.key);
    session.partitions.set(cached.key, cached);
  }
  return news;
}
