import { describe, expect, test } from "bun:test";
import { formatScript, parseScript, type Plan } from "../../lib/sim/mod.ts";
import { toyTier } from "./toy.ts";

const plan: Plan = {
  tier: "raft",
  seed: 7,
  horizonMs: 1500,
  nodes: 3,
  knobs: { b: 2, a: 0.5 },
  workloads: [{ kind: "propose", clients: 1, operations: 3, knobs: {} }],
  faults: [
    { kind: "pause", node: 2, at: 10, forMs: 300 },
    { kind: "cut", to: "node2", from: "node1", at: 20, forMs: 5 },
    { kind: "wallJump", node: 1, at: 30, deltaMs: -60000 },
  ],
};

const TEXT = `{
  "why": "A vote was counted twice",
  "tier": "raft",
  "seed": 7,
  "horizonMs": 1500,
  "nodes": 3,
  "knobs": { "a": 0.5, "b": 2 },
  "workloads": [
    { "kind": "propose", "clients": 1, "operations": 3, "knobs": {} }
  ],
  "faults": [
    { "at": 10, "kind": "pause", "node": 2, "forMs": 300 },
    { "at": 20, "kind": "cut", "from": "node1", "to": "node2", "forMs": 5 },
    { "at": 30, "kind": "wallJump", "node": 1, "deltaMs": -60000 }
  ]
}
`;

test("a script is one fault a line, in an order of its own, and comes back as it was", () => {
  expect(formatScript({ why: "A vote was counted twice\n  at raft.ts", plan })).toBe(TEXT);
  expect(parseScript(TEXT)).toEqual({ why: "A vote was counted twice", plan });
  const tier = toyTier();
  for (let seed = 1; seed < 50; seed++) {
    const script = { why: "it does", plan: tier.plan(seed) };
    expect(parseScript(formatScript(script))).toEqual(script);
  }
});

describe("parseScript() says what is wrong, and where:", () => {
  const damages: readonly (readonly [from: string | RegExp, to: string, message: string])[] = [
    [/,\n {2}"tier"/, '\n  "tier"', "it is no JSON"],
    [TEXT, "[]", "the file: must be an object"],
    ['"A vote was counted twice"', '" "', "why: say which promise was broken"],
    ['"raft"', '"rafts"', "tier: accepted are raft, metadata, storage, broker"],
    ['"seed": 7', '"seed": -7', "seed: must be at least 0"],
    ['"seed": 7', '"seed": 7.5', "seed: must be a whole number"],
    ['"seed": 7,', "", "seed: missing"],
    ['"seed": 7', '"sede": 7, "seed": 7', "sede: unknown, there are why, tier"],
    ['"a": 0.5', '"a": "0.5"', "knobs.a: must be a number"],
    ['{ "a": 0.5, "b": 2 }', "[]", "knobs: must be an object of names and numbers"],
    ['"clients": 1', '"clients": null', "workloads[0].clients: must be a number"],
    ['"pause"', '"paws"', 'faults[0].kind: there is no fault "paws", there are kill, powerLoss'],
    ['"node": 2, "forMs"', '"node": 4, "forMs"', "faults[0].node: there are 3 nodes"],
    [', "forMs": 5', "", "faults[1].forMs: missing"],
    [', "forMs": 5', ', "forMs": 5, "rate": 2', "faults[1].rate: unknown, there are at, kind, from, to, forMs"],
    ['"from": "node1"', '"from": 1', "faults[1].from: must be a text"],
    ['"at": 20', '"at": -1', "faults[1].at: must be at least 0"],
    [/"faults": \[[^\]]*\]/, '"faults": {}', "faults: must be a list"],
  ];
  for (const [from, to, message] of damages) {
    test(message, () => {
      const damaged = TEXT.replace(from, to);
      expect(damaged).not.toBe(TEXT);
      expect(() => parseScript(damaged)).toThrow(message);
    });
  }
});
