/**
 * The simulated network: machines by name, connections between them, and what can happen to both. Bytes arrive as a prefix of what was
 * accepted and in order, however long they take; only a reset, the end of a process or a forgotten connection makes the rest be lost.
 */
import {
  type Address,
  type Deadline,
  DeadlineExceeded,
  type Deadlines,
  IoFailed,
  type Listener,
  type Net,
  type Socket,
  type SocketHandler,
} from "../../io/mod.ts";
import type { EndKind } from "../machine.ts";
import type { NetFault } from "../plan.ts";
import type { Owner, World } from "../world.ts";
import { End } from "./end.ts";
import { Host, type OpenPort } from "./host.ts";
import { Link } from "./link.ts";
import { FORGETTING_CUT_MS, NETWORK_DEFAULTS, type NetworkOptions, SYN_RETRY_MS } from "./options.ts";
import { Stream } from "./stream.ts";
import type { SimNet } from "./types.ts";

/** After so many unanswered tries a system gives a connection attempt up. */
const SYN_TRIES = 7;
/** How often a long cut ends a connection: something in between has forgotten it. */
const FORGOTTEN_SHARE = 0.1;
const ITSELF: ReadonlySet<string> = new Set(["0.0.0.0", "127.0.0.1", "localhost", "::", "::1", ""]);

interface Connection {
  readonly ends: readonly [End, End];
  readonly streams: readonly [Stream, Stream];
}

/** One request of HTTP, whose connection may break at any time: then nobody knows whether it was handled. */
interface Exchange {
  readonly hosts: readonly [string, string];
  fail(code: string): void;
}

/** Who dials: a process on a machine. */
interface Caller {
  readonly owner: Owner;
  readonly host: Host;
}

export class Network implements SimNet {
  readonly #world: World;
  /** Shared with links and streams. */
  readonly #options: NetworkOptions & { lossShare: number };
  readonly #hosts = new Map<string, Host>();
  readonly #links = new Map<string, Link>();
  readonly #connections = new Set<Connection>();
  /** Requests of HTTP without an answer. */
  readonly #exchanges = new Set<Exchange>();
  /** Where a process lives. */
  readonly #homes = new Map<Owner, Host>();
  #nextId = 1;
  #heals = 0;

  constructor(world: World, options: Partial<NetworkOptions> = {}) {
    this.#world = world;
    this.#options = { ...NETWORK_DEFAULTS, ...options };
  }

  /** Connections of which at least one end is open. */
  get open(): number {
    return this.#connections.size;
  }

  attach(owner: Owner, name: string, deadlines: Deadlines): Net {
    const host = this.#host(name);
    const caller: Caller = { owner, host };
    host.powerUp();
    this.#homes.set(owner, host);
    return {
      listen: async (address, accept) => this.#listen(caller, address, { owner, accept, serve: null, waiting: 0 }),
      listenHttp: async (address, serve) => this.#listen(caller, address, { owner, accept: null, serve, waiting: 0 }),
      dial: (address, open, deadline) => this.#dial(caller, address, open, deadline, deadlines),
    };
  }

  detach(owner: Owner, kind: EndKind): void {
    const home = this.#homes.get(owner);
    this.#homes.delete(owner);
    home?.release(owner);
    if (kind === "power") home?.powerDown();
    for (const { ends: [a, b] } of [...this.#connections]) {
      for (const [end, peer] of [[a, b], [b, a]] as const) {
        if (end.owner !== owner) continue;
        if (kind === "process") end.onKilled();
        else {
          end.onPowerLoss();
          peer.keepAlive();
        }
      }
    }
  }

  apply(fault: NetFault): void {
    this.#world.mark(`sim.net.${fault.kind}`);
    if (fault.kind === "reset") {
      const name = `node${fault.node}`;
      this.#reset(({ hosts }) => hosts.includes(name));
    } else if (fault.kind === "halfOpen") this.#forget(fault.from, fault.to);
    else if (fault.kind === "throttle") this.#link(fault.from, fault.to).throttle(fault.bytesPerMs, fault.forMs);
    else this.#cut(fault.from, fault.to, fault.forMs);
  }

  /** Nothing is cut or throttled any more, and little gets lost: what is to come to an end in time must get its packets through. */
  heal(): void {
    this.#heals++;
    this.#options.lossShare = Math.min(this.#options.lossShare, NETWORK_DEFAULTS.lossShare);
    for (const link of this.#links.values()) link.heal();
  }

  /** One request to a port of `listenHttp`, on a connection of its own. @throws {IoFailed} */
  http(from: { readonly owner: Owner; readonly host: string }, to: Address, request: Request): Promise<Response> {
    const caller: Caller = { owner: from.owner, host: this.#host(from.host) };
    const way = this.#link(from.host, to.host);
    const back = this.#link(to.host, from.host);
    return new Promise((resolve, reject) => {
      const fail = (code: string): void => {
        if (this.#exchanges.delete(exchange)) {
          this.#world.after(0, "http.failed", caller.owner, () => reject(new IoFailed("ask", textOf(to), code)));
        }
      };
      const exchange: Exchange = { hosts: [from.host, to.host], fail };
      this.#exchanges.add(exchange);
      const answer = (response: Response): void =>
        this.#send(back, caller.owner, () => {
          if (this.#exchanges.delete(exchange)) resolve(response);
        });
      this.#knock(caller, to, () => !this.#exchanges.has(exchange), (open, refused = "ECONNREFUSED") => {
        const serve = open?.serve ?? null;
        if (open === null || serve === null) return this.#send(back, caller.owner, () => fail(refused));
        const remote = { host: from.host, port: caller.host.ephemeralPort() };
        // The hand-shake has gone there and back.
        this.#send(way, open.owner, () => {
          Promise.resolve(serve(request, remote)).then(answer, () => fail("ECONNRESET"));
        }, back.delayMs(back.draws));
        this.#whenGone(open.owner, caller.owner, () => !this.#exchanges.has(exchange), () => fail("ECONNRESET"));
      });
    });
  }

  // ── connecting ──

  #listen(caller: Caller, { host, port }: Address, open: OpenPort): Listener {
    if (!ITSELF.has(host) && host !== caller.host.name) throw new IoFailed("listen on", `${host}:${port}`, "EADDRNOTAVAIL");
    const { ports } = caller.host;
    const taken = port === 0 ? caller.host.ephemeralPort() : port;
    if (ports.has(taken)) throw new IoFailed("listen on", `${host}:${port}`, "EADDRINUSE");
    ports.set(taken, open);
    return {
      address: { host, port: taken },
      close: () => {
        if (ports.get(taken) === open) ports.delete(taken);
      },
    };
  }

  #dial(
    caller: Caller,
    address: Address,
    open: (socket: Socket) => SocketHandler,
    deadline: Deadline,
    deadlines: Deadlines,
  ): Promise<Socket> {
    let givenUp = false;
    const host = ITSELF.has(address.host) ? caller.host.name : address.host;
    const to = { host, port: address.port };
    const dialing = new Promise<Socket>((resolve, reject) => {
      const back = this.#link(host, caller.host.name);
      this.#knock(caller, to, () => givenUp, (port, refused = "ECONNREFUSED") => {
        if (port === null || port.accept === null) {
          return this.#send(back, caller.owner, () => reject(new IoFailed("connect to", textOf(address), refused)));
        }
        const end = this.#connect(caller, to, port);
        this.#send(back, caller.owner, () => {
          if (givenUp) return end.destroy();
          end.open(open);
          resolve(end);
        });
      });
    });
    return deadlines.guard(deadline, textOf(address), dialing).catch((error) => {
      givenUp = error instanceof DeadlineExceeded;
      throw error;
    });
  }

  /** Until somebody answers: an open port, or that there is none. */
  #knock(
    { owner, host }: Caller,
    to: Address,
    isGivenUp: () => boolean,
    answered: (open: OpenPort | null, refused?: string) => void,
    tries = 1,
  ): void {
    const link = this.#link(host.name, to.host);
    const back = this.#link(to.host, host.name);
    this.#world.after(link.delayMs(link.draws), "net.knock", null, () => {
      if (!owner.alive || isGivenUp()) return;
      const target = this.#host(to.host);
      const port = target.ports.get(to.port) ?? null;
      const isSilent = link.isCut || back.isCut || !target.hasPower || (port !== null && port.waiting >= this.#options.backlog);
      if (!isSilent) return answered(port);
      if (tries >= SYN_TRIES) return answered(null, "ETIMEDOUT");
      this.#world.after(
        SYN_RETRY_MS * 2 ** (tries - 1),
        "net.again",
        null,
        () => this.#knock({ owner, host }, to, isGivenUp, answered, tries + 1),
      );
    });
  }

  /** Both systems know of the connection; their processes are told in their own time. @returns the dialling end. */
  #connect({ owner, host }: Caller, to: Address, port: OpenPort): End {
    const world = this.#world;
    const link = this.#link(host.name, to.host);
    const back = this.#link(to.host, host.name);
    const local = { host: host.name, port: host.ephemeralPort() };
    const onClosed = () => {
      if (!near.isClosed || !far.isClosed) return;
      this.#connections.delete(connection);
      for (const stream of connection.streams) stream.drop();
    };
    const near = new End(world, this.#nextId++, owner, local, to, link.draws, onClosed);
    const far = new End(world, this.#nextId++, port.owner, to, local, back.draws, onClosed);
    const there = new Stream(world, link, back, this.#host(to.host), this.#options, near, far);
    const here = new Stream(world, back, link, host, this.#options, far, near);
    near.connect(here, there);
    far.connect(there, here);
    const connection: Connection = { ends: [near, far], streams: [there, here] };
    this.#connections.add(connection);
    port.waiting++;
    world.after(0, "net.accept", port.owner, () => {
      port.waiting--;
      if (this.#host(to.host).ports.get(to.port) === port) far.open(port.accept!);
      else far.destroy();
    });
    return near;
  }

  // ── faults ──

  #reset(isMeant: (connection: { readonly hosts: readonly [string, string] }) => boolean): void {
    const draws = this.#world.draws("net/reset");
    for (const connection of [...this.#connections]) {
      if (!isMeant({ hosts: hostsOf(connection) })) continue;
      for (const stream of connection.streams) stream.truncate();
      for (const end of connection.ends) {
        this.#world.after(draws.between(0, 5), "net.reset", end.owner, () => end.onReset("ECONNRESET"));
      }
    }
    for (const exchange of [...this.#exchanges]) if (isMeant(exchange)) exchange.fail("ECONNRESET");
  }

  #forget(from: string, to: string): void {
    const draws = this.#world.draws("net/halfOpen");
    for (const { ends: [a, b], streams } of [...this.#connections]) {
      const forgetful = a.host === from && b.host === to ? a : b.host === from && a.host === to ? b : null;
      if (forgetful === null) continue;
      const other = forgetful === a ? b : a;
      other.keepAlive();
      if (draws.chance(0.5)) this.#world.after(0, "net.forgotten", forgetful.owner, () => forgetful.onForgotten());
      else {
        // Something in between did: both believe in the connection, and nothing goes through.
        forgetful.keepAlive();
        for (const stream of streams) stream.swallow();
      }
    }
    for (const { hosts, fail } of [...this.#exchanges]) if (hosts.includes(from) && hosts.includes(to)) fail("ETIMEDOUT");
  }

  #cut(from: string, to: string, forMs: number): void {
    this.#link(from, to).cut(forMs);
    if (forMs < FORGETTING_CUT_MS) return;
    const heals = this.#heals;
    this.#world.after(forMs, "net.mended", null, () => {
      if (heals !== this.#heals) return;
      const draws = this.#world.draws("net/forgotten");
      const isBetween = (a: string, b: string): boolean => (a === from && b === to) || (a === to && b === from);
      this.#reset(({ hosts: [a, b] }) => isBetween(a, b) && draws.chance(FORGOTTEN_SHARE));
    });
  }

  // ── below ──

  /** One packet to a process, when its link carries bytes. */
  #send(link: Link, owner: Owner, arrive: () => void, afterMs = 0): void {
    this.#world.after(afterMs + link.delayMs(link.draws), "net.packet", owner, () => {
      if (!link.isCut) return arrive();
      link.stall({ proceed: (ms) => this.#send(link, owner, arrive, ms), hurry() {} });
    });
  }

  /** Tells a process that another one, which it waits for, has ended. */
  #whenGone(watched: Owner, owner: Owner, isEnough: () => boolean, gone: () => void): void {
    this.#world.after(100, "net.watch", owner, () => {
      if (isEnough()) return;
      if (watched.alive) this.#whenGone(watched, owner, isEnough, gone);
      else gone();
    });
  }

  #host(name: string): Host {
    let host = this.#hosts.get(name);
    if (host === undefined) this.#hosts.set(name, host = new Host(name));
    return host;
  }

  #link(from: string, to: string): Link {
    const name = `${from}>${to}`;
    let link = this.#links.get(name);
    if (link === undefined) this.#links.set(name, link = new Link(this.#world, from, to, this.#options));
    return link;
  }
}

const hostsOf = ({ ends: [a, b] }: Connection): readonly [string, string] => [a.host, b.host];
const textOf = ({ host, port }: Address): string => `${host}:${port}`;
