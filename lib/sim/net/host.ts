/** A machine as the network knows it: its ports, and whether there is power. Outlives the processes on it. */
import type { HttpHandler, Socket, SocketHandler } from "../../io/mod.ts";
import type { Owner } from "../world.ts";

/** Who waits for a machine to come back. */
export interface Waiting {
  onPowerUp(): void;
}

export interface OpenPort {
  readonly owner: Owner;
  /** Null for a port of HTTP. */
  readonly accept: ((socket: Socket) => SocketHandler) | null;
  readonly serve: HttpHandler | null;
  /** Connections that the system has accepted and the process has not. */
  waiting: number;
}

const FIRST_EPHEMERAL_PORT = 49_152;

export class Host {
  readonly name: string;
  readonly ports = new Map<number, OpenPort>();
  #hasPower = true;
  #waiting: Waiting[] = [];
  #nextPort = FIRST_EPHEMERAL_PORT;

  constructor(name: string) {
    this.name = name;
  }

  get hasPower(): boolean {
    return this.#hasPower;
  }

  ephemeralPort(): number {
    while (this.ports.has(this.#nextPort)) this.#nextPort++;
    return this.#nextPort++;
  }

  whenPowered(waiting: Waiting): void {
    this.#waiting.push(waiting);
  }

  powerUp(): void {
    if (this.#hasPower) return;
    this.#hasPower = true;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const each of waiting) each.onPowerUp();
  }
  powerDown(): void {
    this.#hasPower = false;
  }

  /** A process is gone: its ports are free. */
  release(owner: Owner): void {
    for (const [port, open] of this.ports) if (open.owner === owner) this.ports.delete(port);
  }
}
