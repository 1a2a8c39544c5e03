import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { apiVersions } from "../../lib/broker/handlers/api_versions.ts";
import { EchoDesk, echoReplies, echoRequest } from "./echo.ts";
import { type FakePort, fakePort, type FakeSocket } from "./fake_socket.ts";
import { join } from "./harness.ts";

function port(limits: Parameters<typeof fakePort>[1] = {}) {
  const desk = new EchoDesk();
  return { desk, ...fakePort([desk.handler], limits) };
}

const repliesOf = (socket: FakeSocket) => echoReplies(join(socket.written));
const encode = (text: string) => new TextEncoder().encode(text);

function expectNothingHeld({ server }: FakePort, desk: EchoDesk): void {
  expect(server.stats.buffers.leases).toBe(0);
  expect(server.stats.budget).toMatchObject({ heldBytes: 0, partialBytes: 0, waiting: 0 });
  expect(server.stats.unsentBytes).toBe(0);
  expect(desk.leasesHeld).toBe(0);
}

describe("Connection", () => {
  test("replies leave in the order of the requests, for any chunking, latency and silence in between", async () => {
    const request = fc.record({
      how: fc.constantFrom("now", "later", "later", "reject", "throw", "silent"),
      replyBytes: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 40_000 })),
      paddingBytes: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3_000 }), fc.integer({ min: 60_000, max: 300_000 })),
    });
    // Without bias: a stream that is all zeros would deliver megabytes a byte at a time.
    const choices = fc.infiniteStream(fc.noBias(fc.nat()));
    await fc.assert(
      fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 30 }), choices, async (requests, choice) => {
        const broker = port({ requestsInFlightMax: 5, inFlightBytesSoft: 100_000, unsentBytesMax: 50_000 });
        const { desk, time } = broker;
        const next = (below: number) => choice.next().value % below;
        const socket = broker.connect();
        socket.window = 0;
        const bytes = join(requests.map(({ how, ...sizes }, i) => echoRequest(i, how, sizes)));
        const silent = requests.filter(({ how }) => how === "silent").length;
        for (let at = 0, steps = 0; repliesOf(socket).length < requests.length - silent || desk.started.length < requests.length; steps++) {
          expect(steps).toBeLessThan(20_000);
          if (at < bytes.length && !socket.isPaused && next(2) === 0) {
            const size = [1, 7, 1000, 70_000, bytes.length][next(5)]!;
            socket.deliver(bytes.subarray(at, at + size));
            at += size;
          }
          if (desk.parked.length > 0 && next(2) === 0) desk.parked.splice(next(desk.parked.length), 1)[0]!();
          if (next(2) === 0) socket.read([1, 100, 30_000][next(3)]!);
          await time.settle();
          expect(desk.parked.length).toBeLessThanOrEqual(5);
        }
        socket.read(Infinity);
        await time.settle();
        expect(desk.started).toEqual(requests.map(({ how }) => how));
        const replies = repliesOf(socket);
        const expected = requests.map(({ how, replyBytes }, correlationId) => ({ how, replyBytes, correlationId })).filter(({ how }) =>
          how !== "silent"
        );
        expect(replies.map(({ correlationId }) => correlationId)).toEqual(expected.map(({ correlationId }) => correlationId));
        replies.forEach(({ text, payloadBytes }, i) => {
          const { how, replyBytes } = expected[i]!;
          if (how === "throw" || how === "reject") expect(text).toStartWith("UNKNOWN_SERVER_ERROR");
          else expect({ text, payloadBytes }).toEqual({ text: how, payloadBytes: replyBytes });
        });
        expectNothingHeld(broker, desk);
        socket.destroy();
        expect(broker.server.stats.connections).toBe(0);
      }),
      { numRuns: 60 },
    );
  }, 60_000);

  test("goes on with what it has read when the socket takes replies beyond the limit at once", async () => {
    const broker = port({ unsentBytesMax: 50_000 });
    const socket = broker.connect();
    // The first two answers are too much; the third request is there already.
    const requests = [29_037, 20_920, 0].map((replyBytes) => ({ replyBytes, paddingBytes: 0 }));
    socket.deliver(join(requests.map((sizes, i) => echoRequest(i, "now", sizes))));
    await broker.time.settle();
    expect(repliesOf(socket).map(({ correlationId }) => correlationId)).toEqual([0, 1, 2]);
    expect(socket.isPaused).toBe(false);
    socket.destroy();
  });

  test("whatever is under way when it is cut off, everything is given back", async () => {
    const request = fc.record({ how: fc.constantFrom("now", "later", "silent"), paddingBytes: fc.integer({ min: 0, max: 200_000 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 12 }), fc.nat(), fc.boolean(), async (requests, cut, reads) => {
        const broker = port({ requestsInFlightMax: 4, inFlightBytesSoft: 100_000 });
        const { desk, time } = broker;
        const socket = broker.connect();
        if (!reads) socket.window = 10;
        const bytes = join(requests.map(({ how, paddingBytes }, i) => echoRequest(i, how, { paddingBytes, replyBytes: 100 })));
        const end = cut % (bytes.length + 1);
        for (let at = 0; at < end && !socket.isPaused; at += 50_000) socket.deliver(bytes.subarray(at, Math.min(end, at + 50_000)));
        await time.settle();
        socket.destroy();
        for (const answer of desk.parked) answer();
        await time.settle();
        expectNothingHeld(broker, desk);
      }),
      { numRuns: 100 },
    );
  });

  test("tells whoever waits for its client that it is gone, once, and also who asks late", async () => {
    const { desk, ...broker } = port();
    const socket = broker.connect();
    socket.deliver(echoRequest(1, "later"));
    socket.deliver(echoRequest(2, "later"));
    const told: string[] = [];
    const [first, second] = desk.contexts;
    first!.whenGone(() => told.push("first"));
    second!.whenGone(() => told.push("second")).cancel();
    expect([first!.isGone, told]).toEqual([false, []]);
    socket.destroy();
    second!.whenGone(() => told.push("late"));
    expect([first!.isGone, second!.isGone, told]).toEqual([true, true, ["first", "late"]]);
  });

  test("one byte at a time is fine", async () => {
    const { desk, time, ...broker } = port();
    const socket = broker.connect();
    const bytes = join([echoRequest(1, "now"), echoRequest(-5, "now", { paddingBytes: 20 })]);
    for (let i = 0; i < bytes.length; i++) socket.deliver(bytes.subarray(i, i + 1));
    await time.settle();
    expect(repliesOf(socket).map(({ correlationId }) => correlationId)).toEqual([1, -5]);
    expect(desk.started.length).toBe(2);
  });

  test("the replies of one turn leave in one write", async () => {
    const { time, desk, ...broker } = port();
    const socket = broker.connect();
    socket.deliver(join(Array.from({ length: 50 }, (_, i) => echoRequest(i, "now"))));
    expect(socket.written.length).toBe(1);
    socket.deliver(join(Array.from({ length: 50 }, (_, i) => echoRequest(i, "later"))));
    for (const answer of desk.parked) answer();
    await time.settle();
    expect(socket.written.length).toBe(2);
    expect(repliesOf(socket).length).toBe(100);
  });

  test("stops reading at the limit of requests in work and goes on with what it had received", async () => {
    const { desk, time, ...broker } = port({ requestsInFlightMax: 10 });
    const socket = broker.connect();
    socket.deliver(join(Array.from({ length: 35 }, (_, i) => echoRequest(i, "later"))));
    await time.settle();
    expect(desk.parked.length).toBe(10);
    expect(socket.isPaused).toBe(true);
    let most = 0;
    while (repliesOf(socket).length < 35) {
      desk.parked.shift()!();
      await time.settle();
      most = Math.max(most, desk.parked.length);
    }
    expect(most).toBeLessThanOrEqual(10);
    expect(socket.isPaused).toBe(false);
  });

  test("peers that do not finish their requests neither stop those who send whole ones nor keep the room for ever", async () => {
    const { time, ...broker } = port({ inFlightBytesSoft: 100_000, inFlightBytesResume: 60_000, inFlightBytesHard: 4_000_000 });
    const stuck = Array.from({ length: 5 }, () => broker.connect());
    const large = echoRequest(1, "now", { paddingBytes: 200_000 });
    for (const socket of stuck) {
      socket.deliver(large.subarray(0, 70_000));
      await time.settle();
    }
    const whole = broker.connect();
    whole.deliver(echoRequest(2, "now"));
    await time.settle();
    whole.deliver(echoRequest(3, "now"));
    await time.settle();
    expect(repliesOf(whole).map(({ correlationId }) => correlationId)).toEqual([2, 3]);
    const inParts = broker.connect();
    inParts.deliver(large.subarray(0, 70_000));
    await time.settle();
    expect(inParts.isPaused).toBe(true);
    for (let second = 0; second < 10 && inParts.isPaused; second++) {
      time.advance(1_050);
      await time.settle();
    }
    inParts.deliver(large.subarray(70_000));
    await time.settle();
    expect(repliesOf(inParts).length).toBe(1);
    expect(stuck.filter(({ isClosed }) => isClosed).length).toBeGreaterThan(2);
    expect(broker.lines.join()).toContain("while others waited for the memory that it holds");
  });

  test("many peers that do not read are bounded together, and who reads is served", async () => {
    const { time, ...broker } = port({ unsentBytesMax: 1000, unsentBytesTotal: 5000, unsentBytesScarce: 100 });
    const request = echoRequest(1, "now", { replyBytes: 300 });
    const sockets = Array.from({ length: 50 }, () => broker.connect());
    for (const socket of sockets) {
      socket.window = 0;
      for (let i = 0; i < 100 && !socket.isPaused; i++) {
        socket.deliver(request);
        await time.settle();
      }
      expect(socket.isPaused).toBe(true);
    }
    // One reply of each at most on top of the total.
    expect(broker.server.stats.unsentBytes).toBeLessThan(5000 + 50 * 400);
    const reader = broker.connect();
    for (let i = 0; i < 10; i++) reader.deliver(request);
    await time.settle();
    expect(repliesOf(reader).length).toBe(10);
    for (const socket of sockets) {
      socket.read(1_000_000);
      await time.settle();
      expect(socket.isPaused).toBe(false);
      socket.destroy();
    }
    expect(broker.server.stats.unsentBytes).toBe(0);
  });

  test("a peer that does not read is bounded in unsent bytes, then disconnected", async () => {
    const { desk, time, ...broker } = port({ unsentBytesMax: 1000, drainMs: 30_000 });
    const socket = broker.connect();
    socket.window = 100;
    const request = echoRequest(1, "now", { replyBytes: 300 });
    for (let i = 0; i < 100 && !socket.isPaused; i++) socket.deliver(request);
    expect(socket.isPaused).toBe(true);
    expect(desk.started.length).toBeLessThan(6);
    time.advance(29_000);
    socket.read(50);
    time.advance(29_000);
    expect(socket.isClosed).toBe(false);
    time.advance(1_100);
    expect(socket.isClosed).toBe(true);
    expect(broker.lines[0]).toMatch(
      /^Closed a connection: it took nothing of \d+ bytes of replies within 30000 ms \(peer 10\.0\.0\.1:\d+\)$/,
    );
    expect(desk.leasesHeld).toBe(0);
  });

  test("a request whose header does not come is given up after 5 s", () => {
    const broker = port();
    const socket = broker.connect();
    socket.deliver(new Uint8Array([0, 0, 1]));
    time(broker, 4_900);
    expect(socket.isClosed).toBe(false);
    time(broker, 200);
    expect(socket.isClosed).toBe(true);
    expect(broker.lines[0]).toContain("its request's header did not come within 5000 ms");
    expectNothingHeld(broker, broker.desk);
  });

  test("a request that trickles in slower than 1 KiB/s is given up, one that keeps up is not", () => {
    const broker = port();
    const bytes = echoRequest(1, "now", { paddingBytes: 200_000 });
    const [slow, steady] = [broker.connect(), broker.connect()];
    slow.deliver(bytes.subarray(0, 100));
    steady.deliver(bytes.subarray(0, 100));
    for (let second = 1; second <= 100 && !steady.isClosed; second++) {
      slow.deliver(bytes.subarray(100 + second, 101 + second));
      steady.deliver(bytes.subarray(100 + (second - 1) * 1200, 100 + second * 1200));
      time(broker, 1000);
      if (second === 34) expect(slow.isClosed).toBe(false);
    }
    expect(slow.isClosed).toBe(true);
    expect(steady.isClosed).toBe(false);
    steady.deliver(bytes.subarray(100 + 100 * 1200));
    expect(repliesOf(steady).length).toBe(1);
  });

  test("idle connections are closed after 10 minutes, those that wait for an answer are not", () => {
    const broker = port();
    const [idle, waiting] = [broker.connect(), broker.connect()];
    idle.deliver(echoRequest(1, "now"));
    waiting.deliver(echoRequest(1, "later"));
    time(broker, 599_000);
    expect(idle.isClosed).toBe(false);
    time(broker, 2_000);
    expect(idle.isClosed).toBe(true);
    expect(waiting.isClosed).toBe(false);
  });

  test("a connection is idle from its last answer on, however long that took", async () => {
    const broker = port();
    const socket = broker.connect();
    socket.deliver(echoRequest(1, "later"));
    time(broker, 1_190_000);
    broker.desk.parked.shift()!();
    await Promise.resolve();
    time(broker, 599_000);
    expect([repliesOf(socket).length, socket.isClosed]).toEqual([1, false]);
    time(broker, 602_000);
    expect(socket.isClosed).toBe(true);
  });

  test.each([
    ["a TLS hello", new Uint8Array([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]), "the bytes look like TLS"],
    ["an HTTP request", encode("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"), "the bytes look like HTTP"],
    ["a negative length", new Uint8Array([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]), "Cannot read a frame of -1 bytes"],
    ["a length of 0", new Uint8Array(4), "Cannot read a frame of 0 bytes"],
    ["a length above the limit", new Uint8Array([0x06, 0x40, 0, 1]), "Cannot read a frame of 104857601 bytes"],
    ["an unknown API", new Uint8Array([0, 0, 0, 10, 0x7f, 0xff, 0, 0, 0, 0, 0, 1, 0xff, 0xff]), "API key 32767 is not served"],
    [
      "a version that is not served",
      new Uint8Array([0, 0, 0, 10, 0x03, 0x84, 0, 9, 0, 0, 0, 1, 0xff, 0xff]),
      "Echo v9 is not served, only versions 1 to 2 are",
    ],
    ["a header without client id", new Uint8Array([0, 0, 0, 8, 0x03, 0x84, 0, 1, 0, 0, 0, 1]), "Cannot decode request header"],
    ["a body that ends early", new Uint8Array([0, 0, 0, 10, 0x03, 0x84, 0, 1, 0, 0, 0, 1, 0xff, 0xff]), "Cannot decode EchoRequest v1"],
  ])("closes on %s, at no cost for others, and says who it was", async (_what, bytes, why) => {
    const broker = port();
    const [bad, good] = [broker.connect("10.1.2.3"), broker.connect()];
    bad.deliver(bytes);
    expect(bad.isClosed).toBe(true);
    expect(broker.lines.length).toBe(1);
    expect(broker.lines[0]).toContain(why);
    expect(broker.lines[0]).toContain("(peer 10.1.2.3:");
    good.deliver(echoRequest(1, "now"));
    await broker.time.settle();
    expect(repliesOf(good).length).toBe(1);
    expectNothingHeld(broker, broker.desk);
  });

  test("ignores bytes behind the body, as Kafka does", async () => {
    const broker = port();
    const client = broker.connect();
    const request = echoRequest(1, "now");
    client.deliver(join([new Uint8Array([0, 0, 0, request.length - 4 + 3]), request.subarray(4), new Uint8Array(3)]));
    await broker.time.settle();
    expect(client.isClosed).toBe(false);
    expect(repliesOf(client).length).toBe(1);
  });

  test("any bytes end in a close or in silence, never in a failure of the node", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 10 }), fc.boolean(), (chunks, isFramed) => {
        const broker = port();
        const socket = broker.connect();
        for (const chunk of chunks) {
          socket.deliver(isFramed ? join([new Uint8Array([0, 0, 0, chunk.length]), chunk]) : chunk);
        }
        socket.destroy();
        expect(broker.fatal).toEqual([]);
        expectNothingHeld(broker, broker.desk);
      }),
      { numRuns: 300 },
    );
  });

  test("log lines about peers are bounded, and what was left out is counted", () => {
    const broker = port();
    for (let i = 0; i < 300; i++) broker.connect().deliver(new Uint8Array(4));
    expect(broker.lines.length).toBe(5);
    expect(broker.server.stats.peerEvents.get("badFrame")).toBe(300);
    time(broker, 10_001);
    broker.connect().deliver(new Uint8Array(4));
    expect(broker.lines.slice(5).map((line) => line.replace(/ \(peer.*/, ""))).toEqual([
      "295 More of the same kind were not logged",
      "Closed a connection: Cannot read a frame of 0 bytes: 8 to 104857600 are accepted",
    ]);
  });

  test("a claimed length takes no memory before its bytes come", () => {
    const broker = port();
    const claim = echoRequest(1, "now", { paddingBytes: 90_000_000 }).slice(0, 1000);
    for (let i = 0; i < 50; i++) broker.connect().deliver(claim);
    expect(broker.server.stats.budget.partialBytes).toBeLessThan(50 * 65_537);
    expect(broker.server.stats.buffers.usedBytes).toBeLessThan(8_000_000);
  });

  test("reading stops above the limit of bytes in flight and goes on when they are done", async () => {
    const broker = port({ inFlightBytesSoft: 1_000_000 });
    const sockets = Array.from({ length: 20 }, () => broker.connect());
    const request = echoRequest(1, "later", { paddingBytes: 400_000 });
    const sent = new Map(sockets.map((socket) => [socket, 0]));
    let most = 0;
    for (let round = 0; [...sent.values()].some((bytes) => bytes < request.length); round++) {
      expect(round).toBeLessThan(10_000);
      for (const socket of sockets) {
        const at = sent.get(socket)!;
        if (socket.isPaused || at >= request.length) continue;
        socket.deliver(request.subarray(at, at + 50_000));
        sent.set(socket, at + 50_000);
      }
      const { heldBytes, partialBytes } = broker.server.stats.budget;
      most = Math.max(most, heldBytes + partialBytes);
      if (round % 3 === 2) { for (const answer of broker.desk.parked.splice(0)) answer(); }
      await broker.time.settle();
    }
    for (const answer of broker.desk.parked.splice(0)) answer();
    await broker.time.settle();
    expect(most).toBeLessThan(1_000_000 + 20 * 65_536 + 400_000);
    expect(broker.server.stats.budget.pauses).toBeGreaterThan(0);
    expect(sockets.every((socket) => repliesOf(socket).length === 1)).toBe(true);
    expectNothingHeld(broker, broker.desk);
  });

  test("at the hard limit of bytes in flight the connection that would pass it is closed", () => {
    const broker = port({ inFlightBytesSoft: 100_000, inFlightBytesHard: 150_000 });
    const request = echoRequest(1, "later", { paddingBytes: 1_000_000 });
    const socket = broker.connect();
    for (let at = 0; at < request.length && !socket.isClosed; at += 60_000) socket.deliver(request.subarray(at, at + 60_000));
    expect(socket.isClosed).toBe(true);
    expect(broker.lines[0]).toContain("requests in flight have used up their memory");
    expectNothingHeld(broker, broker.desk);
  });

  test("a handler that does not answer is answered for after its deadline, and what it says later is dropped", async () => {
    const { desk, ...broker } = port();
    const socket = broker.connect();
    socket.deliver(join([echoRequest(1, "later"), echoRequest(2, "now")]));
    time(broker, 1900);
    expect(repliesOf(socket)).toEqual([]);
    time(broker, 200);
    await broker.time.settle();
    expect(repliesOf(socket).map(({ correlationId, text }) => [correlationId, text.split(":")[0]])).toEqual([[1, "REQUEST_TIMED_OUT"], [
      2,
      "now",
    ]]);
    expect(broker.server.stats.buffers.leases).toBe(1); // The handler still uses its frame.
    desk.parked[0]!();
    await broker.time.settle();
    expect(repliesOf(socket).length).toBe(2);
    expectNothingHeld(broker, desk);
  });

  test("a broken invariant in a handler stops the node", async () => {
    const broker = port();
    const socket = broker.connect();
    socket.deliver(echoRequest(1, "broken"));
    await broker.time.settle();
    expect(broker.fatal.length).toBe(1);
    expect(broker.fatal[0]).toContain("broken by the test");
    expect(socket.isClosed).toBe(true);
    expectNothingHeld(broker, broker.desk);
  });

  test("flexible versions have their own headers", async () => {
    const broker = port();
    const socket = broker.connect();
    socket.deliver(echoRequest(9, "now", { version: 2 }));
    await broker.time.settle();
    expect(echoReplies(join(socket.written), 2)).toEqual([{ correlationId: 9, text: "now", payloadBytes: 0 }]);
  });
});

describe("KafkaServer", () => {
  test("refuses connections above its limits, and accepts again when some are gone", () => {
    const broker = port({ connectionsMax: 4, connectionsPerIpMax: 2 });
    const open = [broker.connect("10.0.0.1"), broker.connect("10.0.0.1")];
    expect(refused(broker, "10.0.0.1")).toContain("2 are open from this address");
    open.push(broker.connect("10.0.0.2"), broker.connect("10.0.0.3"));
    expect(refused(broker, "10.0.0.4")).toContain("4 are open");
    open[0]!.destroy();
    const again = broker.connect("10.0.0.1");
    expect(again.isClosed).toBe(false);
    expect(broker.server.stats).toMatchObject({ connections: 4, accepted: 5, refused: 2 });
  });

  test("refuses connections above its rate", () => {
    const broker = port({ acceptsPerSecondMax: 3 });
    for (let i = 0; i < 3; i++) broker.connect();
    expect(refused(broker, "10.0.0.1")).toContain("more than 3 came within a second");
    time(broker, 400);
    expect(broker.connect().isClosed).toBe(false);
    expect(refused(broker, "10.0.0.1")).toContain("more than 3");
  });

  test("stop() answers what is in work, takes nothing new, and closes", async () => {
    const broker = port();
    const [busy, idle] = [broker.connect(), broker.connect()];
    busy.deliver(echoRequest(1, "later"));
    const stopped = broker.server.stop({ op: "stop", at: broker.time.clock.mono() + 5000 });
    expect(idle.isClosed).toBe(true);
    expect(busy.isClosed).toBe(false);
    busy.deliver(echoRequest(2, "now"));
    expect(broker.desk.started).toEqual(["later"]);
    broker.desk.parked[0]!();
    await stopped;
    expect(repliesOf(busy).map(({ correlationId }) => correlationId)).toEqual([1]);
    expect(busy.isClosed).toBe(true);
    expect(refused(broker, "10.0.0.9")).toContain("the broker is stopping");
  });

  test("stop() drops what is not done at its deadline", async () => {
    const broker = port();
    const busy = broker.connect();
    busy.deliver(echoRequest(1, "later"));
    const stopped = broker.server.stop({ op: "stop", at: broker.time.clock.mono() + 500 });
    time(broker, 600);
    await stopped;
    expect(busy.isClosed).toBe(true);
  });
});

describe("ApiVersions", () => {
  const ask = async (frame: readonly number[]) => {
    const desk = new EchoDesk();
    const handlers: Parameters<typeof fakePort>[0][number][] = [desk.handler];
    handlers.push(apiVersions(() => handlers));
    const broker = fakePort(handlers);
    const socket = broker.connect();
    socket.deliver(new Uint8Array([0, 0, 0, frame.length, ...frame]));
    await broker.time.settle();
    return Array.from(join(socket.written));
  };
  const LISTED = [0, 0, 0, 2, 0, 18, 0, 0, 0, 4, 0x03, 0x84, 0, 1, 0, 2];

  test("lists exactly the handlers, in the order of their keys", async () => {
    expect(await ask([0, 18, 0, 0, 0, 0, 0, 7, 0xff, 0xff])).toEqual([0, 0, 0, 22, 0, 0, 0, 7, 0, 0, ...LISTED]);
  });

  test.each([[5], [99], [0x7fff], [-1]])("answers version %d in version 0 with error 35 and the whole list", async (version) => {
    const header = [0, 18, (version >> 8) & 0xff, version & 0xff, 0, 0, 0, 7];
    expect(await ask(header)).toEqual([0, 0, 0, 22, 0, 0, 0, 7, 0, 35, ...LISTED]);
  });

  test("refuses a software name that is not of Kafka's form, and keeps one that is", async () => {
    const invalid = [0, 18, 0, 3, 0, 0, 0, 7, 0xff, 0xff, 0, 4, 97, 32, 98, 2, 49, 0];
    expect(await ask(invalid)).toEqual([0, 0, 0, 12, 0, 0, 0, 7, 0, 42, 1, 0, 0, 0, 0, 0]);
    const empty = [0, 18, 0, 3, 0, 0, 0, 7, 0xff, 0xff, 0, 1, 1, 0];
    expect((await ask(empty)).slice(8, 10)).toEqual([0, 42]);
    const valid = [0, 18, 0, 3, 0, 0, 0, 7, 0xff, 0xff, 0, 4, 97, 45, 98, 2, 49, 0];
    expect((await ask(valid)).slice(8, 11)).toEqual([0, 0, 3]);
  });
});

function refused(broker: FakePort, host: string): string {
  const before = broker.lines.length;
  const socket = broker.connect(host);
  expect(socket.isClosed).toBe(true);
  return broker.lines.slice(before).join();
}

function time({ time }: { readonly time: FakePort["time"] }, ms: number): void {
  time.advance(ms);
}
