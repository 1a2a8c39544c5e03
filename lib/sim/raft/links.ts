/**
 * Raft's messages on their way, as objects: each link has its own delay, loses, repeats and reorders, and can be cut in one direction. What
 * arrives at a machine without a process is lost; a paused process finds it later.
 */
import type { Peers } from "../../controller/mod.ts";
import type { NodeId } from "../../protocol/mod.ts";
import type { Message } from "../../raft/mod.ts";
import type { Machine } from "../machine.ts";
import type { Draws } from "../random.ts";
import { type Isolation, LeaderAim } from "./leader_aim.ts";
import type { Owner, ScheduledEvent, World } from "../world.ts";

export interface LinkKnobs {
  readonly delayMs: number;
  readonly stray: number;
  readonly strayMs: number;
  readonly loss: number;
  readonly duplicates: number;
  readonly reorder: number;
}

interface Link {
  readonly draws: Draws;
  cutUntil: number;
  /** When the last message arrives: without reordering, the next one does not before. */
  lastAt: number;
}

export class Links implements Isolation {
  readonly #world: World;
  readonly #boxes: Mailbox[] = [];
  readonly #links: Link[] = [];
  #knobs: LinkKnobs;
  /** Null in the plans that have nothing of the kind: each message would ask. */
  #aim: LeaderAim | null = null;

  constructor(world: World, knobs: LinkKnobs) {
    this.#world = world;
    this.#knobs = knobs;
  }

  /** @param node from 1, one after the other. @param received looks at the node after every message. */
  join(node: number, machine: Machine, received: () => void): void {
    this.#boxes[node] = new Mailbox(node, machine, received);
    for (let other = 1; other < node; other++) {
      this.#connect(other, node);
      this.#connect(node, other);
    }
  }

  #connect(from: number, to: number): void {
    this.#links[from * 16 + to] = { draws: this.#world.draws(`link/${from}>${to}`), cutUntil: 0, lastAt: 0 };
  }

  /** The view of the process that starts now. @param sent looks at what it sends. */
  attach(node: number, sent: (message: Message) => void): Peers {
    const box = this.#boxes[node]!;
    box.receive = null;
    const owner = box.machine.process!;
    return {
      send: (message) => {
        if (!owner.alive) return;
        sent(message);
        this.#send(message);
      },
      onMessage: (receive) => void (box.receive = receive),
    };
  }

  cut(from: number, to: number, untilMs: number): void {
    const link = this.#links[from * 16 + to];
    if (link !== undefined) link.cutUntil = Math.max(link.cutUntil, untilMs);
  }

  /** @param messages as leader, that leave. */
  cutNextLeader(messages: number, forMs: number): void {
    (this.#aim ??= new LeaderAim(this)).atNext({ messages, forMs });
  }

  isolate(node: NodeId, forMs: number): void {
    const until = this.#world.now + forMs;
    for (const link of this.#of(node)) link.cutUntil = Math.max(link.cutUntil, until);
  }

  /** Ends every cut of the node. */
  rejoin(node: NodeId): void {
    for (const link of this.#of(node)) link.cutUntil = 0;
  }

  /** Between these nodes everything arrives, quickly and once; the others are cut off. */
  heal(nodes: readonly number[], delayMaxMs: number): void {
    this.#aim = null;
    const { reorder, delayMs } = this.#knobs;
    this.#knobs = { reorder, delayMs: Math.min(delayMs, delayMaxMs), stray: 0, strayMs: 0, loss: 0, duplicates: 0 };
    for (const from of this.#boxes.keys()) {
      for (const to of this.#boxes.keys()) {
        const link = this.#links[from * 16 + to];
        if (link !== undefined) link.cutUntil = nodes.includes(from) && nodes.includes(to) ? 0 : Infinity;
      }
    }
  }

  #of(node: NodeId): readonly Link[] {
    return [...this.#boxes.keys()].flatMap((other) => [this.#links[node * 16 + other], this.#links[other * 16 + node]])
      .filter((link) => link !== undefined);
  }

  #send(message: Message): void {
    this.#aim?.sends(message);
    const link = this.#links[message.from * 16 + message.to]!;
    const { draws } = link;
    const { loss, duplicates } = this.#knobs;
    if (link.cutUntil > this.#world.now || loss > 0 && draws.chance(loss)) return;
    this.#carry(link, message);
    if (duplicates > 0 && draws.chance(duplicates)) this.#carry(link, message);
  }

  #carry(link: Link, message: Message): void {
    const { draws } = link;
    const { delayMs, stray, strayMs, reorder } = this.#knobs;
    const now = this.#world.now;
    let arrives = now - Math.log(1 - draws.float()) * delayMs;
    if (stray > 0 && draws.chance(stray)) arrives += draws.float() * strayMs;
    else if (reorder === 0) arrives = link.lastAt = Math.max(link.lastAt, arrives);
    const box = this.#boxes[message.to]!;
    this.#world.afterWith(arrives - now, message.kind, box, box.arrived, message);
  }
}

/** Where messages wait: belongs to the machine, whichever process runs on it. */
class Mailbox implements Owner {
  readonly id: number;
  readonly machine: Machine;
  readonly received: () => void;
  receive: ((message: Message) => void) | null = null;
  readonly arrived = (message: Message): void => {
    this.receive?.(message);
    this.received();
  };

  constructor(id: number, machine: Machine, received: () => void) {
    this.id = id;
    this.machine = machine;
    this.received = received;
  }

  get alive(): boolean {
    return this.machine.process !== null;
  }
  get paused(): boolean {
    return this.machine.process!.paused;
  }
  hold(event: ScheduledEvent): void {
    this.machine.process!.hold(event);
  }
}
