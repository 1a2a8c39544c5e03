import { describe, expect, test } from "bun:test";
import { saslAuthenticate } from "../../../lib/broker/handlers/sasl_authenticate.ts";
import { saslHandshake } from "../../../lib/broker/handlers/sasl_handshake.ts";
import { fakePort } from "../fake_socket.ts";
import { join } from "../harness.ts";

/** The frame as Apache Kafka 4.3.1 was asked it, on a listener without SASL. */
function ask(frame: readonly number[]): number[] {
  const broker = fakePort([saslAuthenticate, saslHandshake]);
  const socket = broker.connect();
  socket.deliver(new Uint8Array([0, 0, 0, frame.length, ...frame]));
  expect(socket.isClosed).toBe(false);
  return Array.from(join(socket.written));
}

const header = (key: number, version: number) => [0, key, 0, version, 0, 0, 0, 77, 0, 2, 109, 101];

describe("SASL on a listener without SASL", () => {
  test.each([[0], [1]])("SaslHandshake v%d is answered as Apache Kafka does, byte for byte", (version) => {
    expect(ask([...header(17, version), 0, 5, 80, 76, 65, 73, 78])).toEqual([0, 0, 0, 10, 0, 0, 0, 77, 0, 34, 0, 0, 0, 0]);
  });

  test("SaslAuthenticate is answered with ILLEGAL_SASL_STATE and a reason, and the connection stays", () => {
    const reply = ask([...header(36, 0), 0, 0, 0, 2, 1, 2]);
    expect(reply.slice(4, 10)).toEqual([0, 0, 0, 77, 0, 34]);
    const text = new TextDecoder().decode(new Uint8Array(reply.slice(12, -4)));
    expect(text).toBe('Cannot authenticate: listener "PLAINTEXT" asks for no authentication');
    const flexible = ask([...header(36, 2), 0, 3, 1, 2, 0]);
    expect(flexible.slice(4, 11)).toEqual([0, 0, 0, 77, 0, 0, 34]);
  });
});
