import { describe, expect, test } from "bun:test";
import { errorCode, errorName, KAFKA_ERRORS, kafkaError, type KafkaErrorName } from "../../lib/protocol/mod.ts";
import { goldenErrors } from "./messages/golden_bytes.ts";

describe("the table of errors", () => {
  test("has Kafka 4.3.1's names, codes and retriability, all of them and in its order", () => {
    expect(KAFKA_ERRORS.map(({ name, code, retriable }) => ({ name, code, retriable }))).toEqual(
      goldenErrors() as { name: KafkaErrorName; code: number; retriable: boolean }[],
    );
  });

  test("errorName() and errorCode() are each other's inverse", () => {
    for (const { name, code } of KAFKA_ERRORS) {
      expect(errorCode(name)).toBe(code);
      expect(errorName(code)).toBe(name);
      expect(kafkaError(name).code).toBe(code);
    }
  });

  test("errorName() takes a code that nobody knows for UNKNOWN_SERVER_ERROR", () => {
    for (const code of [-2, 134, 32767, -32768]) expect(errorName(code)).toBe("UNKNOWN_SERVER_ERROR");
  });
});
