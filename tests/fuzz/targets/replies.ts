/**
 * What a hostile broker can do to the client: bytes of replies in any pieces, and record batches of every sort. The reader gives out the frames that
 * are in the bytes, or refuses them by their length; opening batches ends, with records or with CorruptBatch, and never goes back.
 */
import { CorruptBatch } from "../../../lib/client/errors.ts";
import { AbortedTransactions } from "../../../lib/client/consumer/aborted_transactions.ts";
import { FetchedBatches } from "../../../lib/client/consumer/fetched_batches.ts";
import { ReplyReader } from "../../../lib/client/reply_reader.ts";
import { createRealIo } from "../../../lib/io/real/mod.ts";
import { FrameError } from "../../../lib/protocol/mod.ts";
import { Draws } from "../../../lib/sim/random.ts";
import { someBatches } from "../batches.ts";
import { BOUNDARIES, mutate, spliced } from "../mutate.ts";
import { type Input, must, type Target } from "../target.ts";

const io = createRealIo({
  onFatal: (_code, why) => {
    throw new Error(why);
  },
});
const LATER = { op: "fuzz", at: Infinity };

export const replies: Target = { name: "replies", inputsInTest: 800, generate, check };

function generate(draws: Draws): Input {
  if (draws.chance(0.5)) return { about: { what: "frames", pieces: draws.below(2 ** 32) }, bytes: someFrames(draws) };
  let bytes = someBatches(draws);
  for (let more = draws.below(3); more > 0; more--) bytes = spliced(bytes, bytes.length, 0, someBatches(draws));
  return { about: { what: "batches", from: draws.pick([0, 0, 1, 7, 2 ** 40]), committed: draws.below(2) }, bytes };
}

function someFrames(draws: Draws): Uint8Array {
  let bytes: Uint8Array = new Uint8Array(0);
  for (let more = 1 + draws.below(4); more > 0; more--) {
    const body = draws.bytes(4 + draws.below(draws.chance(0.02) ? 3_000_000 : 60));
    const prefix = Uint8Array.of(body.length >>> 24, body.length >>> 16, body.length >>> 8, body.length);
    bytes = spliced(bytes, bytes.length, 0, spliced(body, 0, 0, prefix));
  }
  if (draws.chance(0.5)) return bytes;
  return draws.chance(0.5) ? mutate(bytes, draws) : spliced(bytes, 0, Math.min(4, bytes.length), draws.pick(BOUNDARIES));
}

function check({ about, bytes }: Input): void | Promise<void> {
  return about["what"] === "frames" ? checkFrames(bytes, Number(about["pieces"])) : checkBatches(bytes, about);
}

/** The same frames whatever the pieces, and all in one piece. */
function checkFrames(bytes: Uint8Array, seed: number): void {
  const draws = new Draws(seed, "pieces");
  const [atOnce, inPieces] = [framesOf(bytes, () => bytes.length), framesOf(bytes, () => 1 + Math.floor(draws.skewed(1, 5_000)))];
  must(Bun.deepEquals(atOnce, inPieces), () => `${atOnce.frames.length} frames in one piece, ${inPieces.frames.length} in several`);
  const taken = atOnce.frames.reduce((sum, frame) => sum + frame.length + 4, 0);
  must(taken <= bytes.length, "More bytes came out than went in");
}

function framesOf(bytes: Uint8Array, next: () => number): { readonly frames: Uint8Array[]; readonly refused: string | null } {
  const frames: Uint8Array[] = [];
  const reader = new ReplyReader((frame) => void frames.push(frame));
  try {
    for (let at = 0; at < bytes.length;) {
      const piece = bytes.slice(at, at + next());
      reader.push(piece);
      at += piece.length;
      // The bytes are the socket's again.
      piece.fill(0xee);
    }
    return { frames, refused: null };
  } catch (error) {
    if (!(error instanceof FrameError)) throw error;
    return { frames, refused: error.message };
  }
}

async function checkBatches(bytes: Uint8Array, about: Input["about"]): Promise<void> {
  const from = Number(about["from"]);
  const aborted = about["committed"] === 1 ? new AbortedTransactions([{ producerId: 4000, firstOffset: 0 }]) : null;
  const fetched = new FetchedBatches({ topic: "orders", partition: 0 }, bytes, from, aborted);
  must(fetched.nextOffset >= from, () => `The next fetch would begin at ${fetched.nextOffset}, below ${from}`);
  void fetched.unreadableBecause;
  for (let left = fetched.bytesLeft; !fetched.isEmpty; left = fetched.bytesLeft) {
    let opened;
    try {
      opened = await fetched.open(io, LATER);
    } catch (error) {
      if (!(error instanceof CorruptBatch)) throw error;
      must(error.message.length > 10, "Refused without a reason");
      return;
    }
    if (opened === null) return must(false, "Batches are left, and none comes");
    must(fetched.bytesLeft < left, "A batch was opened and is still there");
    must(opened.nextOffset >= from, () => `After a batch reading goes on at ${opened.nextOffset}, below ${from}`);
    for (const { offset } of opened.records) must(offset >= from, () => `Record ${offset} was not asked for`);
  }
}
