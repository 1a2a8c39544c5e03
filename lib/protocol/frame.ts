/**
 * Frames: an int32 length, then so many bytes. Decides from the length alone whether a frame may come, before anything is
 * reserved for it; holds no buffers. Source: Kafka protocol guide, HAZARDS N3.
 */

export const FRAME_PREFIX_BYTES = 4;
/** The shortest request: key, version and correlation id. */
export const REQUEST_BYTES_MIN = 8;
/** The shortest response: a correlation id. */
export const RESPONSE_BYTES_MIN = 4;

/** A length that cannot be a frame's: the connection cannot go on, since there is no next frame to find. */
export class FrameError extends Error {
  override readonly name = "FrameError";
  /** @param looksLike what the bytes seem to be instead, for the log. */
  constructor(readonly length: number, bytesMin: number, readonly bytesMax: number, readonly looksLike: "TLS" | "HTTP" | null) {
    const cause = looksLike === null ? "" : `, the bytes look like ${looksLike}`;
    super(`Cannot read a frame of ${length} bytes: ${bytesMin} to ${bytesMax} are accepted${cause}`);
  }
}

/**
 * Length of the frame whose prefix begins at `at`, without the prefix, or null when fewer than 4 bytes are there.
 * @throws {FrameError} for a length below `bytesMin` (negative ones too) or above `bytesMax`.
 */
export function frameLength(bytes: Uint8Array, at: number, bytesMax: number, bytesMin = REQUEST_BYTES_MIN): number | null {
  if (bytes.length - at < FRAME_PREFIX_BYTES) return null;
  const length = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
  if (length < bytesMin || length > bytesMax) throw new FrameError(length, bytesMin, bytesMax, looksLike(bytes, at));
  return length;
}

export interface Cut {
  /** Whole frames in order, without their prefixes: views. */
  readonly frames: readonly Uint8Array[];
  /** Bytes that the frames took. What follows belongs to the next one. */
  readonly consumed: number;
  /** Bytes that the next frame takes with its prefix, as far as known: reserve this much. 4 when its length is not there yet. */
  readonly needed: number;
}

/** Cuts the whole frames off the beginning of `bytes`. @throws {FrameError} as `frameLength`; no frame is given out then. */
export function cutFrames(bytes: Uint8Array, bytesMax: number, bytesMin = REQUEST_BYTES_MIN): Cut {
  const frames: Uint8Array[] = [];
  let at = 0;
  let needed = FRAME_PREFIX_BYTES;
  for (;;) {
    const length = frameLength(bytes, at, bytesMax, bytesMin);
    if (length === null) break;
    const next = at + FRAME_PREFIX_BYTES + length;
    if (next > bytes.length) {
      needed = FRAME_PREFIX_BYTES + length;
      break;
    }
    frames.push(bytes.subarray(at + FRAME_PREFIX_BYTES, next));
    at = next;
  }
  return { frames, consumed: at, needed };
}

/** A TLS record begins with a type of 20-23 and version 3.x; an HTTP request with the capital letters of a method. */
function looksLike(bytes: Uint8Array, at: number): "TLS" | "HTTP" | null {
  const first = bytes[at]!;
  if (first >= 20 && first <= 23 && bytes[at + 1] === 3) return "TLS";
  const start = String.fromCharCode(...bytes.subarray(at, at + FRAME_PREFIX_BYTES));
  return /^(GET |PUT |POST|HEAD|DELE|OPTI|PATC|CONN|TRAC|PRI )/.test(start) ? "HTTP" : null;
}
