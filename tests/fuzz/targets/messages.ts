/**
 * Decoders of every message in every version, of requests as well as of the responses that the client reads (HAZARDS N4): whole and
 * damaged ones, made from the declarations and from Kafka's own bytes. A decoder answers with a value that encodes to bytes which give the same
 * value again, or with a DecodeError, and it has taken no more memory than it may.
 */
import { declared, goldenBytes, type GoldenSample, goldenSamples } from "../../protocol/messages/golden_bytes.ts";
import { encodedMessage, withOtherLength } from "../message_values.ts";
import { mutate } from "../mutate.ts";
import { type AnyMessage, decode, DecodeError, encode, MESSAGES, Writer } from "../protocol.ts";
import type { Draws } from "../../../lib/sim/random.ts";
import { type Input, must, type Target } from "../target.ts";
import { MeasuredReader } from "../measured_reader.ts";

const NAMES = [...MESSAGES.keys()];
const goldens = new Map<string, readonly GoldenSample[]>();

export const messages: Target = { name: "messages", inputsInTest: 6_000, generate, check };

function generate(draws: Draws): Input {
  const name = draws.pick(NAMES);
  const message = MESSAGES.get(name)!;
  const golden = draws.chance(0.25) ? draws.pick([...goldenOf(name), null]) : null;
  const version = golden === null
    ? message.minVersion + draws.below(message.maxVersion - message.minVersion + 1)
    : draws.pick(golden.versions);
  return { about: { message: name, version }, bytes: golden ? mutate(goldenBytes(golden), draws) : made(message, version, draws) };
}

function made(message: AnyMessage, version: number, draws: Draws): Uint8Array {
  if (draws.chance(0.03)) return draws.bytes(draws.below(120));
  let encoded = encodedMessage(message, version, draws);
  if (draws.chance(0.15)) return encoded.bytes;
  for (let more = 1 + draws.below(2); more > 0; more--) encoded = { ...encoded, bytes: withOtherLength(encoded, draws) };
  return draws.chance(0.4) ? mutate(encoded.bytes, draws) : encoded.bytes;
}

function goldenOf(name: string): readonly GoldenSample[] {
  if (goldens.size === 0) {
    for (const [message, samples] of Map.groupBy(goldenSamples(), (sample) => sample.message)) goldens.set(message, samples);
  }
  return goldens.get(name) ?? [];
}

const writer = new Writer();

function check({ about, bytes }: Input): void {
  const message = MESSAGES.get(String(about["message"])) ?? declared(String(about["message"]));
  const version = Number(about["version"]);
  const reader = new MeasuredReader(bytes);
  let value: unknown;
  try {
    value = decode(message, version, reader);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    reader.checkMemory();
    return;
  }
  reader.checkMemory();
  const written = encoded(message, version, value);
  const again = decode(message, version, new MeasuredReader(written));
  // A sentence for people loses its middle when it is too long; then only what is written must be stable.
  const isStable = Bun.deepEquals(value, again, true) || Buffer.from(encoded(message, version, again)).equals(written);
  must(isStable, () => `${message.name} v${version} reads ${show(value)}, writes it, and then reads ${show(again)}`);
}

function encoded(message: AnyMessage, version: number, value: unknown): Uint8Array {
  try {
    encode(message, version, value, writer);
    return writer.finishJoined();
  } finally {
    writer.reset();
  }
}

const show = (value: unknown): string => Bun.inspect(value, { depth: 6 }).slice(0, 600);
