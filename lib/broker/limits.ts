/** What one peer, and all of them together, may take from the broker. Every limit says what happens at it. HAZARDS N2, N3, N7, X1, X2. */

export interface BrokerLimits {
  /** Longest request. A longer one closes the connection before anything is reserved for it. */
  readonly frameBytesMax: number;
  /** Request bytes in work and arriving, over all connections: above it reading stops … */
  readonly inFlightBytesSoft: number;
  /** … until no more than this is left. */
  readonly inFlightBytesResume: number;
  /** Never passed: the connection that would pass it is closed. */
  readonly inFlightBytesHard: number;
  /** Frame buffers kept for reuse; the rest is left to the garbage collector. */
  readonly idleBufferBytesMax: number;
  /** Unanswered requests of one connection: at it its further requests wait. */
  readonly requestsInFlightMax: number;
  /** Reply bytes that one peer has not taken yet: above it its further requests wait. */
  readonly unsentBytesMax: number;
  /** Above this many unsent reply bytes over all connections … */
  readonly unsentBytesTotal: number;
  /** … each of them may only have this many before its further requests wait. */
  readonly unsentBytesScarce: number;
  /** A peer that takes no byte of its replies for so long is disconnected. */
  readonly drainMs: number;
  /** From the first byte of a request to its header. */
  readonly headerMs: number;
  /** In every such period a request that is arriving must bring `frameBytesPerWindowMin`. */
  readonly frameWindowMs: number;
  readonly frameBytesPerWindowMin: number;
  /** When memory is short, and the others wait for one request to be whole: in every such period it must bring `turnBytesMin`. */
  readonly turnMs: number;
  readonly turnBytesMin: number;
  /** A connection with nothing to do for so long is closed, as `connections.max.idle.ms`. */
  readonly idleMs: number;
  /** Open connections; one more is closed at once. */
  readonly connectionsMax: number;
  readonly connectionsPerIpMax: number;
  /** New connections a second, and the most at once after a quiet second. */
  readonly acceptsPerSecondMax: number;
}

const MIB = 1024 * 1024;

export const DEFAULT_LIMITS: BrokerLimits = {
  frameBytesMax: 100 * MIB,
  inFlightBytesSoft: 24 * MIB,
  inFlightBytesResume: 16 * MIB,
  inFlightBytesHard: 256 * MIB,
  idleBufferBytesMax: 16 * MIB,
  requestsInFlightMax: 100,
  unsentBytesMax: 8 * MIB,
  unsentBytesTotal: 64 * MIB,
  unsentBytesScarce: 64 * 1024,
  drainMs: 30_000,
  headerMs: 5_000,
  frameWindowMs: 30_000,
  frameBytesPerWindowMin: 30 * 1024,
  turnMs: 1_000,
  turnBytesMin: 64 * 1024,
  idleMs: 600_000,
  connectionsMax: 10_000,
  connectionsPerIpMax: 1_000,
  acceptsPerSecondMax: 500,
};
