import { describe, expect, test } from "bun:test";
import { AdvertisedCheck } from "../../lib/broker/mod.ts";
import type { Properties } from "../../lib/telemetry/mod.ts";

function checked(gateways: readonly string[] = []) {
  let now = 0;
  const lines: Properties[] = [];
  const check = new AdvertisedCheck({ mono: () => now, wall: () => 0 }, gateways, (_, properties) => lines.push(properties));
  return {
    lines,
    pass: (ms: number) => now += ms,
    look: (told: string, peer: string, listener = "PLAINTEXT") =>
      check.look(listener, { host: told, port: 9092 }, { host: peer, port: 50_000 }),
  };
}

describe("AdvertisedCheck", () => {
  test("tells of a client elsewhere that is told a loopback address, and what changes it", () => {
    const { look, lines } = checked();
    look("localhost", "192.168.1.7");
    expect(lines).toEqual([{
      listener: "PLAINTEXT",
      told: "localhost:9092",
      peer: "192.168.1.7",
      advice: 'Name an address that it can reach in "advertised.listeners" (--advertise PLAINTEXT://HOST:PORT) or "advertised.host.name"',
    }]);
  });
  const fine: readonly (readonly [what: string, told: string, peer: string])[] = [
    ["a client on this machine", "127.0.0.1", "127.0.0.1"],
    ["one over IPv6", "localhost", "::1"],
    ["one whose IPv4 address is written as IPv6", "localhost", "::ffff:127.0.0.1"],
    ["an address that can be right", "kafka.example", "192.168.1.7"],
    ["the machine around a container", "localhost", "172.17.0.1"],
    ["that machine, written as IPv6", "localhost", "::ffff:172.17.0.1"],
  ];
  for (const [what, told, peer] of fine) {
    test(`says nothing of ${what}`, () => {
      const { look, lines } = checked(["172.17.0.1"]);
      look(told, peer);
      expect(lines).toEqual([]);
    });
  }
  test("tells once for a listener and hour, and then how many it was", () => {
    const { look, lines, pass } = checked();
    for (let client = 1; client <= 250; client++) look("localhost", `10.0.0.${client}`);
    look("localhost", "10.0.0.1", "OTHER");
    expect(lines.map(({ listener }) => listener)).toEqual(["PLAINTEXT", "OTHER"]);
    pass(3_600_000);
    look("localhost", "10.0.0.9");
    expect(lines[2]).toMatchObject({ peer: "10.0.0.9", suppressed: 249 });
  });
});
