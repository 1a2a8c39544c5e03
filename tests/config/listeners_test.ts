import { describe, expect, test } from "bun:test";
import { isLoopback, isWildcard, parseAddress, parseListeners } from "../../lib/config/mod.ts";

const planned = (
  listeners: string[],
  advertisedListeners: string[] = [],
  listenerSecurityProtocolMap: string[] = [],
  advertisedHostName = "",
) => parseListeners({ listeners, advertisedListeners, listenerSecurityProtocolMap, advertisedHostName });
const problems = (...args: Parameters<typeof planned>): readonly string[] => {
  const found = planned(...args);
  return found.ok ? [] : found.problems;
};

describe("parseAddress()", () => {
  test("reads names, hosts, IPv6 and port 0", () => {
    expect(parseAddress("127.0.0.1:9092")).toEqual({ ok: true, value: { name: "PLAINTEXT", host: "127.0.0.1", port: 9092 } });
    expect(parseAddress("external://[::1]:0")).toEqual({ ok: true, value: { name: "EXTERNAL", host: "::1", port: 0 } });
    expect(parseAddress("A://:9092")).toEqual({ ok: true, value: { name: "A", host: "", port: 9092 } });
    expect(parseAddress("TC-0://kafka:19092")).toEqual({ ok: true, value: { name: "TC-0", host: "kafka", port: 19092 } });
  });
  test("knows what is the machine itself and what is all interfaces", () => {
    expect(["127.0.0.1", "127.1.2.3", "localhost", "LOCALHOST", "kafka.localhost", "::1", "::ffff:127.0.0.1"].filter((h) => !isLoopback(h)))
      .toEqual([]);
    expect(["10.0.0.1", "localhost.example", "128.0.0.1", "127.example.org"].filter(isLoopback)).toEqual([]);
    expect(["", "0.0.0.0", "::", "0:0:0:0:0:0:0:0"].filter((h) => !isWildcard(h))).toEqual([]);
    expect(["::1", "10.0.0.0", "kafka"].filter(isWildcard)).toEqual([]);
  });
});

describe("parseListeners()", () => {
  const refused: readonly (readonly [what: string, args: Parameters<typeof planned>, message: RegExp])[] = [
    ["no listener at all", [[]], /at least one address/],
    ["no port", [["localhost"]], /host:port/],
    ["a port that is none", [["localhost:70000"]], /host:port/],
    ["a wildcard that nobody can reach", [["0.0.0.0:9092"]], /--advertise/],
    ["an advertised wildcard", [["A://:9092"], ["A://0.0.0.0:9092"]], /wildcard/],
    ["an advertised IPv6 wildcard", [["A://:9092"], ["A://[::]:9092"]], /wildcard/],
    ["a wildcard as the host for all", [["A://:9092"], [], [], "0.0.0.0"], /"advertised.host.name": no client can connect to a wildcard/],
    ["an advertised port 0", [["A://:9092"], ["A://h:0"]], /port 0/],
    ["a name twice", [["A://h:1", "A://h:2"]], /twice/],
    ["an address twice", [["A://h:1", "B://h:1"]], /another listener/],
    ["a port of all interfaces and of one", [["A://:1", "B://127.0.0.1:1"], ["A://h:1"]], /another listener/],
    ["an advertised name twice", [["A://:1"], ["A://h:1", "A://h:2"]], /advertised already/],
    ["one advertised address for two", [["A://:1", "B://:2"], ["A://h:9", "B://H:9"]], /for listeners A and B/],
    ["advertising what does not listen", [["A://h:1"], ["B://h:1"]], /no listener has this name, there is A/],
    ["SASL while it is not served", [["SASL_PLAINTEXT://h:1"]], /not served/],
    ["SSL by the map", [["A://h:1"], [], ["A:SSL"]], /take the listener out/],
    ["a protocol that nobody knows", [["A://h:1"], [], ["A:TLS"]], /write NAME:PLAINTEXT/],
    ["a name that the map has twice", [["A://h:1"], [], ["A:PLAINTEXT", "a:PLAINTEXT"]], /in it twice/],
  ];
  for (const [what, args, message] of refused) {
    test(`refuses ${what}`, () => {
      expect(problems(...args)).toHaveLength(1);
      expect(problems(...args)[0]).toMatch(message);
    });
  }
  test("tells all problems at once", () => {
    expect(problems(["A://:1", "SSL://h:2", "nonsense"], ["B://0.0.0.0:3"])).toHaveLength(5);
  });
  test("gives each listener what clients are told", () => {
    expect(planned(["IN://127.0.0.1:0", "OUT://:9092"], ["OUT://kafka.example:19092"])).toMatchObject({
      ok: true,
      value: [{ name: "IN", advertised: null }, { name: "OUT", advertised: { host: "kafka.example", port: 19092 } }],
    });
  });
  test("gives those on all interfaces the host for all, with their own port", () => {
    expect(planned(["A://:9092", "B://0.0.0.0:0", "C://127.0.0.1:9094"], [], [], "kafka")).toMatchObject({
      ok: true,
      value: [{ advertised: { host: "kafka", port: 9092 } }, { advertised: { host: "kafka", port: 0 } }, { advertised: null }],
    });
  });
});
