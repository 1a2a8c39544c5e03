import { describe, expect, test } from "bun:test";
import { type Io, type Socket, type SocketHandler } from "../../lib/io/mod.ts";
import { createMemoryDisk } from "../../lib/io/memory/mod.ts";
import { Draws, Machine, Network, type NetworkOptions, type SimDisk, World } from "../../lib/sim/mod.ts";

const PORT = 9092;

/** One end as its process sees it. */
class End implements SocketHandler {
  readonly received: number[] = [];
  readonly kept: Uint8Array[] = [];
  readonly closes: (string | null)[] = [];
  readonly #toSend: Uint8Array;
  /** Bytes that the socket took. */
  sent = 0;
  drains = 0;

  constructor(readonly socket: Socket, toSend: Uint8Array, readonly batch = 1000) {
    this.#toSend = toSend;
  }
  send(): void {
    while (this.sent < this.#toSend.length) {
      const bytes = this.#toSend.slice(this.sent, this.sent + this.batch);
      const taken = this.socket.write(bytes);
      bytes.fill(0xaa); // The bytes are the caller's again.
      if (taken < 0) return;
      this.sent += taken;
      if (taken < bytes.length) return;
    }
  }
  onData(chunk: Uint8Array): void {
    expect(chunk.length).toBeGreaterThan(0);
    this.received.push(...chunk);
    this.kept.push(chunk);
  }
  onDrain(): void {
    this.drains++;
    this.send();
  }
  onClose(error: Error | null): void {
    this.closes.push(error === null ? null : (error as Error & { code: string }).code);
  }
  get accepted(): number[] {
    return [...this.#toSend.subarray(0, this.sent)];
  }
}

class Town {
  readonly world: World;
  readonly network: Network;
  readonly server: Machine;
  readonly client: Machine;
  serverIo: Io;
  clientIo: Io;
  readonly accepted: End[] = [];

  constructor(seed: number, options: Partial<NetworkOptions> = {}, readonly toClient: Uint8Array = new Uint8Array(0)) {
    this.world = new World(seed);
    this.network = new Network(this.world, options);
    this.server = new Machine(this.world, "node1", NO_DISK, this.network);
    this.client = new Machine(this.world, "client1", NO_DISK, this.network);
    this.serverIo = this.server.start();
    this.clientIo = this.client.start();
  }

  serve(): void {
    const { net, deadlines } = this.serverIo;
    void net.listen({ host: "node1", port: PORT }, (socket) => {
      const end = new End(socket, this.toClient);
      this.accepted.push(end);
      end.send();
      return end;
    }, deadlines.in("listen", 1000));
  }

  /** The end that is being opened, or why it was not. */
  dial(toServer: Uint8Array = new Uint8Array(0), budgetMs = 5000): { end: End | null; failed: string | null } {
    const dialled: { end: End | null; failed: string | null } = { end: null, failed: null };
    const { net, deadlines } = this.clientIo;
    net.dial({ host: "node1", port: PORT }, (socket) => dialled.end = new End(socket, toServer), deadlines.in("connect", budgetMs)).then(
      () => dialled.end!.send(),
      (error) => dialled.failed = error.code ?? error.name,
    );
    return dialled;
  }

  /** Both ends of an open connection. */
  pair(toServer: Uint8Array = new Uint8Array(0)): { near: End; far: End } {
    this.serve();
    const dialled = this.dial(toServer);
    this.world.run(10_000, () => dialled.end !== null && this.accepted.length > 0);
    return { near: dialled.end!, far: this.accepted[0]! };
  }

  /** So much longer; nothing may go wrong within. */
  run(ms: number): void {
    this.world.run(this.world.now + ms);
    expect(this.world.violation).toBeNull();
  }
}

const NO_DISK: SimDisk = { mount: () => createMemoryDisk(0), end() {}, apply() {}, heal() {}, isDurable: () => false };
const QUIET = { lossShare: 0, shortWriteShare: 0, cutShare: 0, joinShare: 0 };
const bytes = (seed: number, length: number) => new Draws(seed, "bytes").bytes(length);
const startsWith = (all: readonly number[], part: readonly number[]) =>
  part.length <= all.length && part.every((byte, at) => byte === all[at]);

/** Traffic in both directions while `seed` does what it wants to the network and its processes. */
function turmoil(seed: number, mayLose: boolean): Town & { near: End; far: End } {
  const draws = new Draws(seed, "turmoil");
  const options = {
    windowBytesMin: 64,
    windowBytesMax: 8192,
    shortWriteShare: draws.float() * 0.5,
    cutShare: draws.float(),
    lossShare: 0.02,
  };
  const town = new Town(seed, options, bytes(seed, draws.below(20_000)));
  const pair = town.pair(bytes(seed + 1, draws.below(20_000)));
  for (let at = 0; at < 8; at++) {
    town.world.after(draws.below(3000), "test", null, () => {
      const [from, to] = draws.pick([["node1", "client1"], ["client1", "node1"]] as const);
      const end = draws.pick([pair.near, pair.far]);
      const machine = draws.pick([town.server, town.client]);
      const forMs = draws.skewed(10, 2500);
      const faults = [
        () => town.network.apply({ kind: "cut", at: 0, from, to, forMs }),
        () => town.network.apply({ kind: "throttle", at: 0, from, to, forMs, bytesPerMs: draws.skewed(0.5, 50) }),
        () => (machine.pause(), town.world.after(forMs, "test", null, () => machine.resume())),
        () => (end.socket.pause(), town.world.after(forMs, "test", null, () => end.socket.resume())),
        () => town.network.apply({ kind: "reset", at: 0, node: 1 }),
        () => town.network.apply({ kind: "halfOpen", at: 0, from, to }),
        () => machine.end(draws.pick(["process", "power"])),
        () => end.socket.destroy(),
        () => end.socket.end(),
      ];
      draws.pick(mayLose ? faults : faults.slice(0, 4))();
    });
  }
  town.run(10_000);
  town.network.heal();
  town.run(60_000);
  return Object.assign(town, pair);
}

describe("bytes", () => {
  test("arrive all and in order, however they are held up, as long as nobody ends the connection", () => {
    for (let seed = 0; seed < 150; seed++) {
      const { near, far } = turmoil(seed, false);
      expect([near.closes, far.closes]).toEqual([[], []]);
      expect(far.received).toEqual(near.accepted);
      expect(near.received).toEqual(far.accepted);
      expect(near.accepted.length + far.accepted.length).toBeGreaterThan(0);
    }
  });

  test("arrive as a prefix of what was accepted whatever happens, and both ends are told at most once that it is over", () => {
    let whole = 0;
    let cut = 0;
    for (let seed = 0; seed < 300; seed++) {
      const { near, far } = turmoil(seed, true);
      expect(startsWith(near.accepted, far.received)).toBe(true);
      expect(startsWith(far.accepted, near.received)).toBe(true);
      expect(near.closes.length).toBeLessThanOrEqual(1);
      expect(far.closes.length).toBeLessThanOrEqual(1);
      if (far.received.length === near.accepted.length) whole++;
      else cut++;
    }
    expect(whole).toBeGreaterThan(50);
    expect(cut).toBeGreaterThan(50);
  });

  test("of a chunk are the network's again after the call", () => {
    const town = new Town(1, QUIET);
    const { far } = town.pair(bytes(1, 100));
    town.run(100);
    expect(far.received).toEqual([...bytes(1, 100)]);
    expect([...far.kept[0]!]).toEqual(new Array(100).fill(0xdb));
  });

  test("are not taken beyond the window while the peer does not read, and onDrain tells when there is room", () => {
    const town = new Town(2, { ...QUIET, windowBytesMin: 5000, windowBytesMax: 5001 });
    const { near, far } = town.pair(bytes(1, 20_000));
    far.socket.pause();
    const before = far.received.length;
    town.run(1000);
    expect(near.sent - far.received.length).toBe(5000);
    expect(far.received.length - before).toBeLessThanOrEqual(1000);
    expect(near.socket.write(new Uint8Array(1))).toBe(0);
    far.socket.resume();
    town.run(1000);
    expect(far.received).toEqual(near.accepted);
    expect(near.sent).toBe(20_000);
    expect(near.drains).toBeGreaterThan(1);
  });
});

test("the same seed gives the same run, to the last byte", () => {
  for (let seed = 0; seed < 20; seed++) {
    const hash = turmoil(seed, true).world.trace.hash;
    expect(turmoil(seed, true).world.trace.hash).toBe(hash);
    expect(turmoil(seed + 1000, true).world.trace.hash).not.toBe(hash);
  }
});

describe("sockets", () => {
  test("know their addresses, and end() delivers what was accepted", () => {
    const town = new Town(3, QUIET);
    const { near, far } = town.pair(bytes(1, 3000));
    expect(near.socket.remote).toEqual({ host: "node1", port: PORT });
    expect(far.socket.remote).toEqual(near.socket.local);
    near.socket.end();
    expect(near.closes).toEqual([null]);
    expect(near.socket.write(new Uint8Array(1))).toBe(-1);
    town.run(100);
    expect(far.received).toEqual(near.accepted);
    expect(far.closes).toEqual([null]);
    expect(town.network.open).toBe(0);
  });

  test("end() and a paused peer: it is told when it reads again", () => {
    const town = new Town(4, QUIET);
    const { near, far } = town.pair();
    far.socket.pause();
    near.socket.end();
    town.run(100);
    expect(far.closes).toEqual([]);
    far.socket.resume();
    town.run(100);
    expect(far.closes).toEqual([null]);
  });

  test("destroy() resets the peer, also a paused one", () => {
    const town = new Town(5, QUIET);
    const { near, far } = town.pair();
    far.socket.pause();
    near.socket.destroy();
    expect(near.closes).toEqual([null]);
    town.run(100);
    expect(far.closes).toEqual(["ECONNRESET"]);
    for (const { socket } of [near, far]) {
      socket.end();
      socket.destroy();
      socket.pause();
      socket.resume();
    }
    expect([near.closes.length, far.closes.length]).toEqual([1, 1]);
  });

  test("a socket may be destroyed while it is accepted", () => {
    const town = new Town(6);
    const closes: (Error | null)[] = [];
    void town.serverIo.net.listen({ host: "", port: PORT }, (socket) => {
      socket.destroy();
      return { onData() {}, onDrain() {}, onClose: (error) => void closes.push(error) };
    }, town.serverIo.deadlines.in("listen", 1000));
    const dialled = town.dial();
    town.run(1000);
    expect(closes).toEqual([null]);
    expect(dialled.end!.closes).toEqual(["ECONNRESET"]);
  });
});

describe("connecting", () => {
  test("is refused where nobody listens, or no longer does", () => {
    const town = new Town(7);
    const refused = town.dial();
    town.run(1000);
    expect(refused.failed).toBe("ECONNREFUSED");
    town.serve();
    const opened = town.dial();
    town.run(1000);
    expect(opened.end!.closes).toEqual([]);
    town.server.end("process");
    const afterwards = town.dial();
    town.run(1000);
    expect(afterwards.failed).toBe("ECONNREFUSED");
  });

  test("gets no answer over a cut, in either direction, or from a machine without power", () => {
    for (const [from, to] of [["node1", "client1"], ["client1", "node1"]] as const) {
      const town = new Town(8);
      town.serve();
      town.network.apply({ kind: "cut", at: 0, from, to, forMs: 2000 });
      const [impatient, patient] = [town.dial(undefined, 500), town.dial(undefined, 10_000)];
      town.run(1900);
      expect([impatient.failed, impatient.end, patient.failed, patient.end]).toEqual(["DeadlineExceeded", null, null, null]);
      town.run(5000);
      expect([impatient.end, patient.end?.closes]).toEqual([null, []]);
    }
    const town = new Town(9);
    town.serve();
    town.server.end("power");
    const dialled = town.dial();
    town.run(10_000);
    expect(dialled.failed).toBe("DeadlineExceeded");
  });

  test("to a paused process succeeds up to the backlog, and it is told when it goes on", () => {
    const town = new Town(10, { backlog: 2 });
    town.serve();
    town.server.pause();
    const dialled = [town.dial(), town.dial(), town.dial()];
    town.run(900);
    expect(dialled.filter(({ end }) => end !== null).length).toBe(2);
    expect(town.accepted.length).toBe(0);
    town.server.resume();
    town.run(3000);
    expect(town.accepted.length).toBe(3);
  });

  test("needs a port of one's own", () => {
    const town = new Town(11);
    const { net, deadlines } = town.serverIo;
    const failed: string[] = [];
    const listen = (host: string, port: number) =>
      void net.listen({ host, port }, (socket) => new End(socket, new Uint8Array(0)), deadlines.in("listen", 1000))
        .then(({ address }) => address.port, (error) => failed.push(error.code));
    listen("node1", PORT);
    listen("0.0.0.0", PORT);
    listen("client1", 1);
    listen("node1", 0);
    town.run(10);
    expect(failed).toEqual(["EADDRINUSE", "EADDRNOTAVAIL"]);
  });
});

describe("faults", () => {
  test("a cut holds bytes back in one direction only, and nothing is lost", () => {
    const town = new Town(12, QUIET, bytes(2, 10_000));
    const { near, far } = town.pair();
    town.run(100);
    const before = near.received.length;
    town.network.apply({ kind: "cut", at: 0, from: "node1", to: "client1", forMs: 1000 });
    expect(far.socket.write(bytes(3, 500))).toBe(500);
    expect(near.socket.write(bytes(4, 500))).toBe(500);
    town.run(900);
    expect(near.received.length).toBe(before);
    expect(far.received.length).toBe(500);
    town.run(3000);
    expect(near.received.length).toBe(before + 500);
    expect([near.closes, far.closes]).toEqual([[], []]);
  });

  test("a reset ends every connection of the machine, on both sides", () => {
    const town = new Town(13);
    const { near, far } = town.pair();
    town.network.apply({ kind: "reset", at: 0, node: 2 });
    town.run(100);
    expect([near.closes, far.closes]).toEqual([[], []]);
    town.network.apply({ kind: "reset", at: 0, node: 1 });
    town.run(100);
    expect([near.closes, far.closes]).toEqual([["ECONNRESET"], ["ECONNRESET"]]);
  });

  test("what is written between a reset and the news of it arrives never, not behind a gap", () => {
    let lost = 0;
    for (let seed = 0; seed < 50; seed++) {
      const town = new Town(seed, { ...QUIET, delayMsMin: 2, delayMsMax: 3, windowBytesMin: 1000, windowBytesMax: 1001 });
      const { near, far } = town.pair(bytes(seed, 90));
      town.network.apply({ kind: "reset", at: 0, node: 1 });
      const more = bytes(seed + 1, 10);
      const taken = near.socket.write(more);
      near.socket.end();
      town.run(1000);
      expect(startsWith([...near.accepted, ...more.subarray(0, taken)], far.received)).toBe(true);
      expect(far.closes).toEqual(["ECONNRESET"]);
      if (far.received.length < near.accepted.length) lost++;
    }
    expect(lost).toBeGreaterThan(10);
  });

  test("a reset that a cut swallows: the other side finds out when nothing was said for long", () => {
    const town = new Town(15, QUIET);
    const { near, far } = town.pair();
    town.network.apply({ kind: "cut", at: 0, from: "node1", to: "client1", forMs: 1000 });
    far.socket.destroy();
    town.run(50_000);
    expect(near.closes).toEqual([]);
    town.run(100_000);
    expect(near.closes).toEqual(["ETIMEDOUT"]);
  });

  test("a throttle lets so many bytes through, until it ends", () => {
    const town = new Town(14, QUIET);
    town.serve();
    town.network.apply({ kind: "throttle", at: 0, from: "client1", to: "node1", forMs: 5000, bytesPerMs: 1 });
    const dialled = town.dial(bytes(1, 10_000));
    town.run(2000);
    const [far] = town.accepted;
    expect(far!.received.length).toBeGreaterThan(1500);
    expect(far!.received.length).toBeLessThan(2001);
    town.network.heal();
    town.run(10);
    expect(far!.received).toEqual(dialled.end!.accepted);
  });

  test("a half-open connection: one side hears nothing until it writes, or until its system asks after a minute", () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 20; seed++) {
      for (const writes of [true, false]) {
        const town = new Town(seed);
        const { near, far } = town.pair();
        town.run(100);
        town.network.apply({ kind: "halfOpen", at: 0, from: "node1", to: "client1" });
        town.run(10_000);
        expect(near.closes).toEqual([]);
        if (writes) near.socket.write(new Uint8Array(1));
        town.run(10_000);
        seen.add(`${writes} ${near.closes} ${far.closes}`);
        expect(far.received).toEqual([]);
        town.run(120_000);
        expect([near.closes.length, far.closes.length]).toEqual([1, 1]);
      }
    }
    // Forgotten by one side, or by something in between: then both believe in it.
    expect([...seen].sort()).toEqual(["false  ", "false  ETIMEDOUT", "true  ", "true ECONNRESET ETIMEDOUT"]);
  });
});

describe("processes", () => {
  test("one that ends ends its connections, and has no port any more", () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 20; seed++) {
      const town = new Town(seed);
      const { near, far } = town.pair();
      town.run(100);
      town.server.end("process");
      town.run(1000);
      expect(far.closes).toEqual([]);
      seen.add(String(near.closes));
      town.serverIo = town.server.start();
      town.serve();
      const again = town.dial();
      town.run(1000);
      expect(again.end!.closes).toEqual([]);
    }
    expect([...seen].sort()).toEqual(["", "ECONNRESET"]);
  });

  test("power loss: peers hear nothing, not even when they write, until the machine is back", () => {
    const town = new Town(16);
    const { near } = town.pair();
    town.server.end("power");
    town.run(5000);
    expect(near.socket.write(new Uint8Array(1))).toBe(1);
    town.run(5000);
    expect(near.closes).toEqual([]);
    town.serverIo = town.server.start();
    town.run(2000);
    expect(near.closes).toEqual(["ECONNRESET"]);
  });

  test("what comes for a paused one comes when it goes on", () => {
    const town = new Town(17, QUIET);
    const { near, far } = town.pair();
    town.server.pause();
    near.socket.write(bytes(1, 1000));
    near.socket.end();
    town.run(1000);
    expect([far.received, far.closes]).toEqual([[], []]);
    town.server.resume();
    town.run(1000);
    expect([far.received, far.closes]).toEqual([[...bytes(1, 1000)], [null]]);
  });

  test("what a dead one did not read is answered with a reset", () => {
    const town = new Town(18, QUIET);
    const { near, far } = town.pair();
    far.socket.end();
    expect(near.socket.write(new Uint8Array(10))).toBe(10);
    expect(far.closes).toEqual([null]);
    town.run(100);
    expect(far.received).toEqual([]);
    expect(near.closes.length).toBe(1);
  });
});

describe("HTTP", () => {
  const ask = (town: Town, answered: string[]) =>
    void town.network.http(
      { owner: town.client.process!, host: "client1" },
      { host: "node1", port: 8080 },
      new Request("http://node1:8080/x"),
    )
      .then(async (response) => answered.push(await response.text()), (error) => answered.push(error.code));
  const serve = (town: Town) =>
    void town.serverIo.net.listenHttp(
      { host: "node1", port: 8080 },
      async (request, remote) => new Response(`${new URL(request.url).pathname} for ${remote!.host}`),
      town.serverIo.deadlines.in("listen", 1000),
    );

  test("a reset, and a connection that is forgotten, leave a request without an answer, handled or not", () => {
    for (const fault of [{ kind: "reset", at: 0, node: 1 }, { kind: "halfOpen", at: 0, from: "client1", to: "node1" }] as const) {
      const town = new Town(19, QUIET);
      const answered: string[] = [];
      let handled = 0;
      const io = town.serverIo;
      void io.net.listenHttp({ host: "node1", port: 8080 }, () => {
        handled++;
        return new Promise((resolve) => io.timers.after(50, () => resolve(new Response("late"))));
      }, io.deadlines.in("listen", 1000));
      ask(town, answered);
      town.run(20);
      town.network.apply(fault);
      town.run(1000);
      expect([answered, handled]).toEqual([[fault.kind === "reset" ? "ECONNRESET" : "ETIMEDOUT"], 1]);
    }
  });

  test("requests take their time, are refused without a port, and end with the process that serves them", () => {
    const town = new Town(19);
    const answered: string[] = [];
    ask(town, answered);
    town.run(100);
    serve(town);
    ask(town, answered);
    expect(answered).toEqual(["ECONNREFUSED"]);
    town.run(100);
    expect(answered).toEqual(["ECONNREFUSED", "/x for client1"]);
    town.server.pause();
    ask(town, answered);
    town.run(1000);
    town.server.end("process");
    town.run(1000);
    expect(answered.slice(2)).toEqual(["ECONNRESET"]);
  });

  test("requests wait for a cut to end", () => {
    const town = new Town(20);
    serve(town);
    town.network.apply({ kind: "cut", at: 0, from: "node1", to: "client1", forMs: 1500 });
    const answered: string[] = [];
    ask(town, answered);
    town.run(1400);
    expect(answered).toEqual([]);
    town.run(5000);
    expect(answered).toEqual(["/x for client1"]);
  });
});
