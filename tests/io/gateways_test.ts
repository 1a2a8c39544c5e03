import { describe, expect, test } from "bun:test";
import { isIP } from "node:net";
import { defaultGateways, gatewaysIn } from "../../lib/io/real/gateways.ts";

const HEAD = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n";

describe("gatewaysIn()", () => {
  test("reads the router of a container", () => {
    const table =
      `${HEAD}eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0\neth0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n`;
    expect(gatewaysIn(table)).toEqual(["172.17.0.1"]);
  });
  test("finds none where there is none", () => {
    expect(gatewaysIn(HEAD)).toEqual([]);
    expect(gatewaysIn("")).toEqual([]);
    expect(gatewaysIn(`${HEAD}eth0 00000000 nonsense 0003\nlo 00000000 00000000 0001`)).toEqual([]);
  });
});

test("defaultGateways() answers with addresses, whatever this machine has", () => {
  expect(defaultGateways().filter((address) => isIP(address) !== 4)).toEqual([]);
});
