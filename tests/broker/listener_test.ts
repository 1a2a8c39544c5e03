import { describe, expect, test } from "bun:test";
import { EchoDesk, echoReplies, echoRequest } from "./echo.ts";
import { correlationIdOf, join, openPort } from "./harness.ts";

describe("KafkaServer on real sockets", () => {
  test("serves pipelined requests of all sizes in order", async () => {
    const desk = new EchoDesk();
    await using broker = await openPort([desk.handler]);
    const client = await broker.connect();
    const sizes = Array.from({ length: 300 }, (_, i) => i % 50 === 0 ? 1_500_000 : i % 7 * 100);
    client.send(...sizes.map((paddingBytes, i) => echoRequest(i, "now", { paddingBytes, replyBytes: i % 60 === 0 ? 700_000 : 10 })));
    await client.receive(sizes.length);
    expect(client.frames.map(correlationIdOf)).toEqual(sizes.map((_, i) => i));
    expect(broker.server.stats.buffers.leases).toBe(0);
    expect(broker.server.stats.budget).toMatchObject({ heldBytes: 0, partialBytes: 0 });
  });

  test("a client that asks and never reads holds a bounded part of the broker, and others are served", async () => {
    const desk = new EchoDesk();
    await using broker = await openPort([desk.handler]);
    const [deaf, good] = [await broker.connect({ isReading: false }), await broker.connect()];
    deaf.send(...Array.from({ length: 2000 }, (_, i) => echoRequest(i, "now", { replyBytes: 500_000 })));
    let answered = -1;
    // As long as the broker goes on answering the deaf one, let others have their turns.
    for (let turns = 0; turns < 20 || answered !== desk.started.length - turns; turns++) {
      answered = desk.started.length - turns;
      good.send(echoRequest(turns, "now"));
      await good.receive(turns + 1);
    }
    expect(good.isClosed).toBe(false);
    // 8 MiB of unsent bytes, and what the system's socket buffers take.
    expect(desk.leasesHeld).toBeLessThan(20);
    expect(desk.started.length).toBeLessThan(2000);
    deaf.close();
    const asked = good.frames.length;
    good.send(echoRequest(1, "now"));
    await good.receive(asked + 1);
    expect(desk.leasesHeld).toBe(0);
  });

  test("an HTTP client gets a closed connection, not a hanging one", async () => {
    await using broker = await openPort([new EchoDesk().handler]);
    const client = await broker.connect();
    client.send(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    await client.closed();
    expect(broker.lines[0]).toContain("the bytes look like HTTP (peer 127.0.0.1:");
  });

  test("replies that were ready before garbage came are still delivered", async () => {
    const desk = new EchoDesk();
    await using broker = await openPort([desk.handler]);
    const client = await broker.connect();
    client.send(join([echoRequest(1, "now"), echoRequest(2, "now"), new Uint8Array([0xff, 0xff, 0xff, 0xff])]));
    await client.closed();
    expect(client.frames.map(correlationIdOf)).toEqual([1, 2]);
  });

  test("connections above the limit are closed at once and do not count", async () => {
    await using broker = await openPort([new EchoDesk().handler], { connectionsPerIpMax: 3 });
    const clients = [await broker.connect(), await broker.connect(), await broker.connect()];
    for (const client of clients) {
      client.send(echoRequest(7, "now"));
      await client.receive(1);
      expect(echoReplies(join([new Uint8Array([0, 0, 0, client.frames[0]!.length]), client.frames[0]!]))[0]!.correlationId).toBe(7);
    }
    const refused = await broker.connect();
    await refused.closed();
    expect(broker.server.stats).toMatchObject({ connections: 3, refused: 1 });
  });
});
