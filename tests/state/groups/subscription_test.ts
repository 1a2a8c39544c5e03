import { expect, test } from "bun:test";
import fc from "fast-check";
import { subscribedTopics } from "../../../lib/state/groups/subscription.ts";
import { subscription } from "./scenario.ts";

test("subscribedTopics() reads the topics and leaves what follows them", () => {
  fc.assert(fc.property(fc.array(fc.string({ maxLength: 20 }), { maxLength: 8 }), fc.uint8Array({ maxLength: 40 }), (topics, rest) => {
    const wellFormed = topics.map((topic) => topic.toWellFormed());
    const bytes = subscription(wellFormed);
    expect(subscribedTopics(new Uint8Array([...bytes, ...rest]))).toEqual(wellFormed);
  }));
});

test("subscribedTopics() takes any bytes and answers null for what is not a subscription", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
    const topics = subscribedTopics(bytes);
    if (topics !== null) expect(topics.length).toBeLessThanOrEqual(30);
  }));
  expect(subscribedTopics(new Uint8Array(0))).toBeNull();
  expect(subscribedTopics(new Uint8Array([0, 0, 0x7f, 0xff, 0xff, 0xff]))).toBeNull();
  expect(subscribedTopics(new Uint8Array([0, 0, 0, 0, 0, 1, 0, 9, 0x61]))).toBeNull();
  // Another protocol's metadata: a negative version.
  expect(subscribedTopics(new Uint8Array([0xff, 0xff, 0, 0, 0, 0]))).toBeNull();
});
