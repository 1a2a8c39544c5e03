import { afterEach, describe, expect, test } from "bun:test";
import { type Io, IoFailed, type Listener, type Socket, type SocketHandler } from "../../lib/io/mod.ts";
import { createRealIo } from "../../lib/io/real/mod.ts";

const io: Io = createRealIo({
  onFatal: (_code, why) => {
    throw new Error(why);
  },
});
const soon = () => io.deadlines.in("test", 10_000);
const LOOPBACK = { host: "127.0.0.1", port: 0 };
const open: { destroy?(): void; close?(): void }[] = [];

afterEach(() => {
  for (const each of open.splice(0)) {
    each.destroy?.();
    each.close?.();
  }
});

/** Both ends of a connection, each with what it saw. */
class End implements SocketHandler {
  readonly received: Uint8Array[] = [];
  drains = 0;
  closes: (Error | null)[] = [];
  onBytes: (total: number) => void = () => {};
  readonly closed = Promise.withResolvers<void>();

  constructor(readonly socket: Socket) {
    open.push(socket);
  }
  onData(chunk: Uint8Array): void {
    this.received.push(chunk.slice());
    this.onBytes(this.receivedBytes);
  }
  onDrain(): void {
    this.drains++;
  }
  onClose(error: Error | null): void {
    this.closes.push(error);
    this.closed.resolve();
  }
  get receivedBytes(): number {
    return this.received.reduce((sum, chunk) => sum + chunk.length, 0);
  }
  until(bytes: number): Promise<void> {
    if (this.receivedBytes >= bytes) return Promise.resolve();
    return new Promise((resolve) => this.onBytes = (total) => void (total >= bytes && resolve()));
  }
}

test("Net.listen() gives a name that nobody can look up no longer than its deadline", async () => {
  const deadline = io.deadlines.in("listen", 300);
  const address = { host: "no.such.name.invalid", port: 0 };
  await expect(io.net.listen(address, () => new End(null!), deadline)).rejects.toThrow(/no\.such\.name\.invalid/);
  await expect(io.net.listenHttp(address, () => new Response(), deadline)).rejects.toThrow(/no\.such\.name\.invalid/);
});

async function pair(): Promise<{ client: End; server: End; listener: Listener }> {
  const accepted = Promise.withResolvers<End>();
  const listener = await io.net.listen(LOOPBACK, (socket) => {
    const end = new End(socket);
    accepted.resolve(end);
    return end;
  }, soon());
  open.push(listener);
  let client!: End;
  await io.net.dial(listener.address, (socket) => client = new End(socket), soon());
  return { client, server: await accepted.promise, listener };
}

describe("real net", () => {
  test("both ends know their addresses and carry bytes both ways", async () => {
    const { client, server, listener } = await pair();
    expect(client.socket.remote).toEqual(listener.address);
    expect(server.socket.remote).toEqual(client.socket.local);
    expect(server.socket.id).not.toBe(client.socket.id);
    expect(client.socket.write(new Uint8Array([1, 2, 3]))).toBe(3);
    await server.until(3);
    server.socket.write(new Uint8Array([4]));
    await client.until(1);
    expect([...client.received[0]!]).toEqual([4]);
  });

  test("write() takes a prefix when the peer does not read, keeps nothing back, and onDrain tells when there is room", async () => {
    const { client, server } = await pair();
    server.socket.pause();
    const bytes = new Uint8Array(16 * 1024 * 1024);
    for (let at = 0; at < bytes.length; at += 1000) bytes.fill(at / 1000, at, at + 1000);
    let sent = client.socket.write(bytes);
    expect(sent).toBeGreaterThan(0);
    expect(sent).toBeLessThan(bytes.length);
    expect(client.socket.write(bytes.subarray(sent))).toBeLessThan(bytes.length - sent);
    server.socket.resume();
    const original = client.onDrain.bind(client);
    client.onDrain = () => {
      original();
      sent += client.socket.write(bytes.subarray(sent));
    };
    await server.until(sent);
    client.onDrain();
    await server.until(bytes.length);
    expect(sent).toBe(bytes.length);
    expect(client.drains).toBeGreaterThan(0);
    let at = 0;
    for (const chunk of server.received) {
      expect(chunk[0]).toBe(bytes[at]!);
      at += chunk.length;
      expect(chunk.at(-1)).toBe(bytes[at - 1]!);
    }
  });

  test("pause() stops the bytes: what a paused end takes is bounded by the system's buffers", async () => {
    const { client, server } = await pair();
    const started = server.until(1);
    client.socket.write(new Uint8Array(1000));
    await started;
    server.socket.pause();
    const before = server.receivedBytes;
    let accepted = 0;
    for (let i = 0; i < 100; i++) accepted += Math.max(0, client.socket.write(new Uint8Array(1024 * 1024)));
    // A round trip on another connection: whatever could have arrived has arrived.
    const other = await pair();
    other.client.socket.write(new Uint8Array(1));
    await other.server.until(1);
    expect(server.receivedBytes - before).toBeLessThanOrEqual(512 * 1024);
    expect(accepted).toBeLessThan(64 * 1024 * 1024);
    server.socket.resume();
    await server.until(1000 + accepted);
  });

  test("end() delivers what was accepted and closes both ends, each told once", async () => {
    const { client, server } = await pair();
    server.socket.write(new Uint8Array(100_000));
    server.socket.end();
    await client.closed.promise;
    await server.closed.promise;
    expect(client.receivedBytes).toBe(100_000);
    expect(client.closes).toEqual([null]);
    expect(server.closes.length).toBe(1);
    expect(server.socket.write(new Uint8Array(1))).toBe(-1);
    server.socket.end();
    server.socket.destroy();
    server.socket.pause();
    server.socket.resume();
    expect(server.closes.length).toBe(1);
  });

  test("destroy() drops the connection at once", async () => {
    const { client, server } = await pair();
    client.socket.destroy();
    await server.closed.promise;
    expect(client.closes.length).toBe(1);
    expect(client.socket.write(new Uint8Array(1))).toBe(-1);
  });

  test("write() to a peer that is gone ends the socket, also a paused one, which is not told otherwise", async () => {
    const { client, server } = await pair();
    server.socket.pause();
    client.socket.destroy();
    for (const deadline = soon(); server.socket.write(new Uint8Array(1)) >= 0;) {
      expect(io.clock.mono()).toBeLessThan(deadline.at);
      await new Promise<void>((resolve) => io.timers.soon(resolve));
    }
    await server.closed.promise;
    expect(server.closes.length).toBe(1);
  });

  test("a socket may be destroyed while it is accepted", async () => {
    const listener = await io.net.listen(LOOPBACK, (socket) => {
      socket.destroy();
      return new End(socket);
    }, soon());
    open.push(listener);
    let client!: End;
    await io.net.dial(listener.address, (socket) => client = new End(socket), soon());
    await client.closed.promise;
    expect(client.closes.length).toBe(1);
  });

  test("close() of a listener refuses new connections and keeps those that are open", async () => {
    const { client, server, listener } = await pair();
    listener.close();
    await expect(io.net.dial(listener.address, (socket) => new End(socket), soon())).rejects.toMatchObject({ code: "ECONNREFUSED" });
    client.socket.write(new Uint8Array(1));
    await server.until(1);
  });

  test("listen() and dial() name what went wrong", async () => {
    const { listener } = await pair();
    const taken = io.net.listen(listener.address, (socket) => new End(socket), soon());
    await expect(taken).rejects.toMatchObject({ name: "IoFailed", code: "EADDRINUSE" });
    await expect(taken).rejects.toThrow(`Cannot listen on "127.0.0.1:${listener.address.port}": EADDRINUSE`);
    const foreign = io.net.listen({ host: "192.0.2.1", port: 0 }, (socket) => new End(socket), soon());
    await expect(foreign).rejects.toMatchObject({ code: "EADDRNOTAVAIL" });
    const taken2 = io.net.listenHttp(listener.address, () => new Response(), soon());
    await expect(taken2).rejects.toBeInstanceOf(IoFailed);
  });

  test("listenHttp() serves, tells the peer, and refuses large bodies", async () => {
    const seen: unknown[] = [];
    const listener = await io.net.listenHttp(LOOPBACK, async (request, remote) => {
      seen.push(remote?.host);
      return new Response(`${request.method} ${new URL(request.url).pathname} ${(await request.text()).length}`);
    }, soon());
    open.push(listener);
    const url = `http://127.0.0.1:${listener.address.port}/x`;
    expect(await (await fetch(url, { method: "POST", body: "abc" })).text()).toBe("POST /x 3");
    expect(seen).toEqual(["127.0.0.1"]);
    const large = await fetch(url, { method: "POST", body: "x".repeat(2 * 1024 * 1024) });
    expect(large.status).toBe(413);
  });
});
