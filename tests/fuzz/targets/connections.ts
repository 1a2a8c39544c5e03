/**
 * A connection to a whole node in memory: requests of every API in every version, well formed, odd, damaged, and bytes that are none, in any
 * pieces. Replies come in the order of the requests and can be read; the node goes on, serves the next one, and when the connections are gone it holds
 * nothing for them any more (HAZARDS N2, N3, N4).
 */
import { HANDLERS } from "../../../lib/broker/mod.ts";
import {
  type AnyApi,
  APIS,
  cutFrames,
  decode,
  encodeRequest,
  FrameError,
  isServed,
  Metadata,
  Reader,
  readRequestPrefix,
  readResponseHeader,
  REQUEST_BYTES_MIN,
  RESPONSE_BYTES_MIN,
  Writer,
  writeRequestHeader,
} from "../../../lib/protocol/mod.ts";
import { Draws } from "../../../lib/sim/random.ts";
import { join } from "../../broker/harness.ts";
import { someBatches } from "../batches.ts";
import { type InMemoryNode, startInMemory, TOPICS } from "../in_memory_node.ts";
import { encodedMessage, type Flavour, withOtherLength } from "../message_values.ts";
import { BOUNDARIES, mutate, spliced } from "../mutate.ts";
import { type Input, must, type Target } from "../target.ts";

const SERVED = APIS.filter(({ key }) => HANDLERS.some(({ api }) => api.key === key));
const BY_KEY = new Map(SERVED.map((api) => [api.key, api]));
const FRAME_BYTES_MAX = 100 * 1024 * 1024;
/** A new node after so many inputs: topics and groups add up. */
const INPUTS_PER_NODE = 3_000;
/** The accounts are looked at after so many. */
const LOOKED_AT_EVERY = 50;
/** What may still be at work for a connection that is gone: a rebalance, a fetch that waits. */
const QUIET_MS = 20_000;
const TURNS = 6;

let node: InMemoryNode | null = null;
let inputs = 0;

export const connections: Target = {
  name: "connections",
  inputsInTest: 300,
  async open() {
    node = await startInMemory();
  },
  generate,
  async check(input) {
    await converse(input);
    if (++inputs % LOOKED_AT_EVERY === 0) await look();
    if (inputs % INPUTS_PER_NODE === 0) {
      await node!.node.stop(1_000);
      node = await startInMemory();
    }
  },
  async close() {
    await look();
    await node!.node.stop(1_000);
  },
};

/** Names and ids that exist, batches for records, and no long waits. */
const FLAVOUR: Flavour = {
  text: (draws) => draws.pick([...TOPICS, ...TOPICS, "billing", "g1", "", "a/b", "new-topic", "__consumer_offsets", "range", "1"]),
  records: (draws) => draws.chance(0.8) ? someBatches(draws) : draws.bytes(draws.below(100)),
  int32: (draws, name) => /Ms$/.test(name) ? draws.pick([-1, 0, 1, 5, 20]) : draws.chance(0.7) ? draws.pick([0, 0, 1, -1, 2, 100]) : null,
};

function generate(draws: Draws): Input {
  let bytes: Uint8Array = new Uint8Array(0);
  for (let more = 1 + draws.below(5); more > 0; more--) bytes = spliced(bytes, bytes.length, 0, someFrame(draws));
  if (draws.chance(0.1)) bytes = mutate(bytes, draws);
  return { about: { pieces: draws.below(2 ** 32), leaves: draws.below(3) }, bytes };
}

function someFrame(draws: Draws): Uint8Array {
  const api = draws.pick(SERVED);
  const version = api.minVersion + draws.below(api.maxVersion - api.minVersion + 1);
  const encoded = encodedMessage(api.request, version, draws, FLAVOUR);
  const body = draws.chance(0.75) ? encoded.bytes : draws.chance(0.5) ? withOtherLength(encoded, draws) : mutate(encoded.bytes, draws);
  const writer = new Writer();
  const asked = draws.chance(0.97) ? version : draws.pick([-1, 0, 99, 32_767]);
  writeRequestHeader(writer, draws.chance(0.98) ? api : { key: 999, flexibleSince: null }, {
    apiVersion: asked,
    correlationId: draws.pick([0, 1, 7, -1, 2 ** 31 - 1]),
    clientId: draws.pick([null, "fuzz", ""]),
  });
  const frame = spliced(body, 0, 0, writer.finishJoined());
  const prefix = draws.chance(0.98)
    ? Uint8Array.of(frame.length >>> 24, frame.length >>> 16, frame.length >>> 8, frame.length)
    : draws.pick(BOUNDARIES);
  return spliced(frame, 0, 0, prefix);
}

async function converse({ about, bytes }: Input): Promise<void> {
  const draws = new Draws(Number(about["pieces"]), "pieces");
  const socket = node!.connect();
  for (let at = 0; at < bytes.length && !socket.isClosed;) {
    const piece = bytes.subarray(at, at + 1 + Math.floor(draws.skewed(1, 4_000)));
    socket.deliver(piece);
    at += piece.length;
    if (draws.chance(0.2)) await turn();
  }
  // Some leave in the middle of what was asked, some wait a little, some until the node has nothing more to say.
  for (let turns = Number(about["leaves"]) * TURNS; turns > 0; turns--) await turn();
  checkReplies(bytes, join(socket.written));
  socket.destroy();
  must(node!.fatal.length === 0, () => `The node stopped: ${node!.fatal.join("; ")}`);
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Each reply answers a request, in their order, and is what its schema says. */
function checkReplies(sent: Uint8Array, received: Uint8Array): void {
  const { frames, consumed } = cutFrames(received, FRAME_BYTES_MAX, RESPONSE_BYTES_MIN);
  must(consumed === received.length, "A reply is not whole");
  const asked = requestsIn(sent);
  let next = 0;
  for (const frame of frames) {
    let problem = "no request is left that it could answer";
    for (; next < asked.length; next++) {
      const found = readReply(frame, asked[next]!);
      if (found === null) break;
      problem = found;
    }
    must(next++ < asked.length, () => `A reply of ${frame.length} bytes answers nothing: ${problem}`);
  }
}

interface Asked {
  readonly api: AnyApi;
  readonly version: number;
  readonly correlationId: number;
}

/** Null when the frame is the reply to this. */
function readReply(frame: Uint8Array, { api, version, correlationId }: Asked): string | null {
  try {
    const reader = new Reader(frame);
    if (readResponseHeader(reader, api, version) !== correlationId) return "another correlation id";
    decode(api.response, version, reader);
    return null;
  } catch (error) {
    return String(error);
  }
}

function requestsIn(bytes: Uint8Array): readonly Asked[] {
  const found: Asked[] = [];
  for (const frame of wholeFrames(bytes)) {
    const { apiKey, apiVersion, correlationId } = readRequestPrefix(new Reader(frame));
    const api = BY_KEY.get(apiKey);
    if (api === undefined) break;
    // The one refusal that is an answer: it is of version 0, whatever was asked.
    if (isServed(api, apiVersion)) found.push({ api, version: apiVersion, correlationId });
    else found.push({ api, version: 0, correlationId });
  }
  return found;
}

function wholeFrames(bytes: Uint8Array): readonly Uint8Array[] {
  const frames: Uint8Array[] = [];
  try {
    for (let rest = bytes; rest.length >= 4;) {
      const length = new DataView(rest.buffer, rest.byteOffset).getInt32(0);
      const cut = cutFrames(rest.subarray(0, 4 + Math.max(0, length)), FRAME_BYTES_MAX, REQUEST_BYTES_MIN);
      if (cut.frames.length === 0) break;
      frames.push(...cut.frames);
      rest = rest.subarray(cut.consumed);
    }
  } catch (error) {
    if (!(error instanceof FrameError)) throw error;
  }
  return frames;
}

/** The node serves, and holds nothing for those who are gone. */
async function look(): Promise<void> {
  const socket = node!.connect();
  const request = encodeRequest(
    Metadata,
    { apiVersion: Metadata.maxVersion, correlationId: 5, clientId: "look" },
    { topics: [] },
    new Writer(),
  );
  socket.deliver(join(request));
  const until = performance.now() + QUIET_MS;
  while (socket.written.length === 0 && performance.now() < until) await turn();
  must(socket.written.length > 0, () => `The node does not answer any more${socket.isClosed ? ": it closed the connection" : ""}`);
  socket.destroy();
  let held = "";
  while ((held = whatIsHeld()) !== "" && performance.now() < until) await Bun.sleep(5);
  must(held === "", () => `Nobody is connected, and yet ${held}`);
  must(node!.fatal.length === 0, () => `The node stopped: ${node!.fatal.join("; ")}`);
}

function whatIsHeld(): string {
  const { connections, requestsInFlight, unsentBytes, budget: { heldBytes, partialBytes, waiting } } = node!.server.stats;
  const held = { connections, requestsInFlight, unsentBytes, heldBytes, partialBytes, waiting };
  return Object.values(held).every((value) => value === 0) ? "" : JSON.stringify(held);
}
