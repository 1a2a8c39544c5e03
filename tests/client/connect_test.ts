/** The client as a user of the library has it: from the root `mod.ts`, against a broker that is embedded. */
import { expect, test } from "bun:test";
import { Admin, Broker, Consumer, KafkaError, Producer } from "../../mod.ts";

test("Producer, Consumer and Admin connect to a broker and work together", async () => {
  await using broker = await Broker.start({ storage: "memory", topics: ["orders"] });
  const options = { bootstrapServers: broker.bootstrapServers };
  await using producer: Producer = await Producer.connect(options);
  await using consumer: Consumer = await Consumer.connect({ ...options, groupId: "g", autoOffsetReset: "earliest" });
  await using admin: Admin = await Admin.connect(options);
  const sent = await producer.sendAll(["one", "two"].map((value) => ({ topic: "orders", value })));
  expect(sent.map(({ offset }) => offset)).toEqual([0, 1]);
  consumer.subscribe(["orders"]);
  const seen: string[] = [];
  for await (const { value } of consumer) {
    seen.push(new TextDecoder().decode(value!));
    if (seen.length === 2) break;
  }
  expect(seen).toEqual(["one", "two"]);
  await consumer.commit();
  expect(await admin.listGroupOffsets("g")).toMatchObject([{ topic: "orders", partition: 0, offset: 2 }]);
});

test("connect() says which server does not answer, when the time for it is over", async () => {
  const connecting = Producer.connect({ bootstrapServers: "127.0.0.1:1", connectTimeoutMs: 500 }).catch((error: unknown) => error);
  const error = await connecting;
  expect(error).toBeInstanceOf(KafkaError);
  expect(error).toMatchObject({ error: "NETWORK_EXCEPTION", message: "Cannot connect to 127.0.0.1:1: ECONNREFUSED" });
});

test("connect() refuses options by name", async () => {
  const bootstrapServers = "127.0.0.1:1";
  const refused = async (options: Parameters<typeof Producer.connect>[0]) => {
    const error = await Producer.connect(options).catch((error: unknown) => error);
    return error instanceof KafkaError && error.error === "INVALID_CONFIG" ? error.message : error;
  };
  expect(await refused({ bootstrapServers, acks: 2 as never })).toBe('Cannot use the options: "acks" is 2, expected "all", 1 or 0');
  expect(await refused({ bootstrapServers, acks: 1, idempotent: true })).toContain('"idempotent" needs "acks" to be "all"');
  expect(await refused({ bootstrapServers, compression: "brotli" as never })).toContain("expected one of none, gzip, snappy, lz4, zstd");
  expect(await refused({ bootstrapServers, inFlightMax: 6 })).toContain('"inFlightMax" is 6');
  expect(await refused({ bootstrapServers, lingerMs: -1 })).toContain('"lingerMs" is -1');
});
