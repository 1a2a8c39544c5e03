import { describe, expect, test } from "bun:test";
import {
  APIS,
  ApiVersions,
  cutFrames,
  DecodeError,
  decodeResponse,
  EncodeError,
  encodeRequest,
  encodeResponse,
  Heartbeat,
  isFlexible,
  Produce,
  readClientId,
  Reader,
  readRequestPrefix,
  Writer,
  ZERO_UUID,
} from "../../lib/protocol/mod.ts";

const joined = (chunks: readonly Uint8Array[]) => Uint8Array.from(Buffer.concat(chunks));
const only = (bytes: Uint8Array) => cutFrames(bytes, 1 << 20).frames[0]!;

describe("a request", () => {
  const beat = { groupId: "g", generationId: 3, memberId: "m", groupInstanceId: null };

  test("has header v1 before and header v2 from the first flexible version on", () => {
    for (const [version, hex] of [[3, "000c0003ffffffff000161"], [4, "000c0004ffffffff00016100"]] as const) {
      const bytes = joined(encodeRequest(Heartbeat, { apiVersion: version, correlationId: -1, clientId: "a" }, beat, new Writer()));
      expect(Buffer.from(only(bytes)).toString("hex").slice(0, hex.length)).toBe(hex);
    }
  });

  test("is read back prefix first, then client id", () => {
    for (const clientId of [null, "", "kafka-ui"]) {
      for (const version of [0, 4]) {
        const reader = new Reader(
          only(joined(encodeRequest(Heartbeat, { apiVersion: version, correlationId: 7, clientId }, beat, new Writer()))),
        );
        expect(readRequestPrefix(reader)).toEqual({ apiKey: 12, apiVersion: version, correlationId: 7 });
        expect(readClientId(reader, isFlexible(Heartbeat, version))).toBe(clientId);
        expect(reader.remaining).toBeGreaterThan(0);
      }
    }
  });

  test("keeps its correlation id readable when its key and version are unknown", () => {
    const reader = new Reader(Uint8Array.from([0x03, 0xe7, 0x7f, 0xff, 0x12, 0x34, 0x56, 0x78]));
    expect(readRequestPrefix(reader)).toEqual({ apiKey: 999, apiVersion: 32767, correlationId: 0x12345678 });
  });

  test("shorter than its header is refused with the field that is missing", () => {
    expect(() => readRequestPrefix(new Reader(new Uint8Array(7)))).toThrow("Cannot decode request header: correlationId needs 4 bytes");
    expect(() => readClientId(new Reader(Uint8Array.from([0, 9])), false)).toThrow(DecodeError);
  });
});

describe("a response", () => {
  const answer = { errorCode: 35, apiKeys: [{ apiKey: 18, minVersion: 0, maxVersion: 4 }] };

  test("of ApiVersions has header v0 in every version (KIP-511)", () => {
    for (let version = 0; version <= 4; version++) {
      const body = only(joined(encodeResponse(ApiVersions, version, 5, answer, new Writer())));
      expect([...body.subarray(0, 6)]).toEqual([0, 0, 0, 5, 0, 35]);
    }
  });

  test("of every other API has tagged fields in its header from the first flexible version on", () => {
    expect(only(joined(encodeResponse(Heartbeat, 3, 5, { errorCode: 1 }, new Writer()))).length).toBe(4 + 6);
    expect(only(joined(encodeResponse(Heartbeat, 4, 5, { errorCode: 1 }, new Writer()))).length).toBe(4 + 1 + 6 + 1);
  });

  test("is refused when it answers another request", () => {
    const body = only(joined(encodeResponse(Heartbeat, 4, 5, { errorCode: 0 }, new Writer())));
    expect(decodeResponse(Heartbeat, 4, 5, body)).toEqual({ throttleTimeMs: 0, errorCode: 0 });
    expect(() => decodeResponse(Heartbeat, 4, 6, body)).toThrow("correlationId is 5, expected 6");
  });

  test("that cannot be encoded leaves the writer as it was", () => {
    const writer = new Writer();
    expect(() => encodeResponse(Heartbeat, 4, 5, { errorCode: 99999 }, writer)).toThrow(EncodeError);
    expect(() => encodeResponse(Heartbeat, 4, 5, {} as never, writer)).toThrow(
      "Cannot encode HeartbeatResponse v4: errorCode is undefined",
    );
    expect(joined(encodeResponse(Heartbeat, 0, 5, { errorCode: 1 }, writer))).toEqual(Uint8Array.from([0, 0, 0, 6, 0, 0, 0, 5, 0, 1]));
  });

  test("with hints that hold nothing does not carry them (KIP-951)", () => {
    const row = { index: 0, errorCode: 0, baseOffset: 1 };
    const bare = { responses: [{ name: "", topicId: ZERO_UUID, partitionResponses: [row] }] };
    const hinted = {
      responses: [{ name: "", topicId: ZERO_UUID, partitionResponses: [{ ...row, currentLeader: { leaderId: -1, leaderEpoch: -1 } }] }],
      nodeEndpoints: [],
    };
    const bytes = (response: typeof bare | typeof hinted) => joined(encodeResponse(Produce, 13, 1, response, new Writer()));
    expect(bytes(hinted)).toEqual(bytes(bare));
  });
});

test("keys are unique and in order", () => {
  const keys = APIS.map((api) => api.key);
  expect(keys).toEqual([...new Set(keys)].sort((a, b) => a - b));
});
