/** How the simulated network is when nothing is wrong with it. A tier draws these from the seed. */

export interface NetworkOptions {
  /** The shortest and the longest base delay of a link, in milliseconds; each link draws its own between them. */
  readonly delayMsMin: number;
  readonly delayMsMax: number;
  /** Up to this share of the base delay comes on top, each time anew. */
  readonly jitter: number;
  /** The share of packets that were lost and sent again: they, and all behind them, are late by 200 ms or more. */
  readonly lossShare: number;
  /** Of a link. */
  readonly bytesPerMs: number;
  /** Bytes that a connection takes before its peer has read them, in each direction: the smallest and the largest. */
  readonly windowBytesMin: number;
  readonly windowBytesMax: number;
  /** How often a write takes less than there is room for. */
  readonly shortWriteShare: number;
  /** How often what arrives is cut into several chunks. */
  readonly cutShare: number;
  /** How often what arrives together is given in one chunk. */
  readonly joinShare: number;
  /** How many connections wait to be accepted by a process that does nothing; more are not answered. */
  readonly backlog: number;
}

export const NETWORK_DEFAULTS: NetworkOptions = {
  delayMsMin: 0.05,
  delayMsMax: 2,
  jitter: 0.5,
  lossShare: 0.001,
  bytesPerMs: 100_000,
  windowBytesMin: 4 * 1024,
  windowBytesMax: 256 * 1024,
  shortWriteShare: 0.02,
  cutShare: 0.05,
  joinShare: 0.5,
  backlog: 64,
};

/** A chunk given to a reader is never larger. */
export const CHUNK_BYTES_MAX = 64 * 1024;
/** Until a packet that got lost is sent again: TCP's first guess, doubled each time. */
export const RETRANSMIT_MS = 200;
export const RETRANSMIT_MS_MAX = 3_000;
/** Until a connection attempt that nobody answered is repeated. */
export const SYN_RETRY_MS = 1_000;
/** As the real sockets have it: after so much silence the system asks the peer whether it is still there. */
export const KEEP_ALIVE_MS = 60_000;
/** A cut longer than this may end connections: something in between forgot them. */
export const FORGETTING_CUT_MS = 3_000;
