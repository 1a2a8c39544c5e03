/**
 * What an embedded broker tells of: topics, appended records, rebalances. Subscribes to the node's own notices while somebody listens and
 * to nothing otherwise, so that it costs the path of produce nothing. Calls no listener inside of the broker's work: in a later turn.
 */
import { Closed, Overloaded } from "../io/mod.ts";
import type { RunningNode } from "../node.ts";
import type { RebalancedGroup } from "../coordinator/types.ts";
import type { MetadataDelta, TopicImage } from "../state/metadata/image.ts";
import { logOf } from "../telemetry/mod.ts";
import { AppendWatch } from "./append_watch.ts";

export interface TopicEvent {
  readonly topic: string;
  /** As Kafka's tools write it. */
  readonly topicId: string;
  /** How many. */
  readonly partitions: number;
}

/** Records that can be read since the event before: several batches come as one. */
export interface AppendedEvent {
  readonly topic: string;
  readonly partition: number;
  readonly baseOffset: number;
  /** How many offsets: `baseOffset + count` is the partition's new end. */
  readonly count: number;
}

export interface BrokerEvents {
  readonly topicCreated: TopicEvent;
  /** Partitions were added, or its configs changed. */
  readonly topicChanged: TopicEvent;
  readonly topicDeleted: TopicEvent;
  /** Of topics that are not the broker's own. Readable means durable. */
  readonly recordsAppended: AppendedEvent;
  /** The end of a rebalance, also that of the last member's leave; a static member that came back counts. */
  readonly groupRebalanced: RebalancedGroup;
}

export type BrokerEventName = keyof BrokerEvents;

export interface Subscription extends Disposable {
  cancel(): void;
}

const EVENT_NAMES: readonly BrokerEventName[] = ["topicCreated", "topicChanged", "topicDeleted", "recordsAppended", "groupRebalanced"];
const TOPIC_EVENTS: readonly BrokerEventName[] = ["topicCreated", "topicChanged", "topicDeleted"];
/** Events of an iteration that nobody took; above it the iteration fails. */
const BUFFER_MAX = 1024;

type Listener = (event: never) => void;

export class Events {
  readonly #node: RunningNode;
  readonly #listeners: Record<BrokerEventName, Set<Listener>>;
  /** What to tell in the next turn, in order. Bounded by what one turn of the node can do. */
  #told: (() => void)[] = [];
  #isPlanned = false;
  #metadata: { cancel(): void } | null = null;
  #groups: { cancel(): void } | null = null;
  #appends: AppendWatch | null = null;
  readonly #onAny = new Set<() => void>();
  readonly #onClose = new Set<() => void>();
  #isClosed = false;

  constructor(node: RunningNode) {
    this.#node = node;
    this.#listeners = Object.fromEntries(EVENT_NAMES.map((name) => [name, new Set<Listener>()])) as Record<BrokerEventName, Set<Listener>>;
  }

  /** How many listen; with nobody the node has no subscription of ours. */
  get listenerCount(): number {
    return EVENT_NAMES.reduce((sum, name) => sum + this.#listeners[name].size, 0);
  }

  /** @throws {TypeError} for a name that is no event. @throws {Closed} */
  on<Name extends BrokerEventName>(name: Name, listener: (event: BrokerEvents[Name]) => void): Subscription {
    if (!EVENT_NAMES.includes(name)) throw new TypeError(`Unknown event "${name}": there are ${EVENT_NAMES.join(", ")}`);
    if (this.#isClosed) throw new Closed("events of a broker");
    // A function may listen twice; each time is a subscription of its own.
    const own = (event: BrokerEvents[Name]) => listener(event);
    this.#listeners[name].add(own);
    this.#follow();
    const cancel = () => {
      if (this.#listeners[name].delete(own)) this.#follow();
    };
    return { cancel, [Symbol.dispose]: cancel };
  }

  /** See `Broker.events`. */
  iterate<Name extends BrokerEventName>(name: Name, bufferMax: number = BUFFER_MAX): AsyncIterableIterator<BrokerEvents[Name]> {
    const buffer = this.#buffer(name, bufferMax);
    return {
      async next() {
        const event = await buffer.next();
        return event === null ? { done: true, value: undefined } : { done: false, value: event };
      },
      async return() {
        buffer.cancel();
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  /** Listens from now on, and keeps what nobody took yet. */
  #buffer<Name extends BrokerEventName>(name: Name, bufferMax: number): Buffered<BrokerEvents[Name]> {
    const waiting: BrokerEvents[Name][] = [];
    let wake: (() => void) | null = null;
    let isOver = false;
    let overflow: Overloaded | null = null;
    const look = () => {
      wake?.();
      wake = null;
    };
    const subscription = this.on(name, (event) => {
      if (waiting.length < bufferMax) waiting.push(event);
      else {
        overflow = new Overloaded(`events "${name}" that nobody took`, bufferMax);
        subscription.cancel();
      }
      look();
    });
    const end = () => {
      isOver = true;
      subscription.cancel();
      closing.cancel();
      look();
    };
    const closing = this.onClosed(end);
    return {
      async next() {
        while (waiting.length === 0) {
          if (overflow !== null) throw overflow;
          if (isOver) return null;
          await new Promise<void>((resolve) => wake = resolve);
        }
        return waiting.shift()!;
      },
      cancel: end,
    };
  }

  /** Calls `changed` after any change at all: topics, records (those of internal topics too), rebalances; when the events of it were told. */
  onAny(changed: () => void): Subscription {
    if (this.#isClosed) throw new Closed("broker");
    this.#onAny.add(changed);
    this.#follow();
    const cancel = () => {
      if (this.#onAny.delete(changed)) this.#follow();
    };
    return { cancel, [Symbol.dispose]: cancel };
  }

  /** Calls `closed` once, when the broker begins to close. */
  onClosed(closed: () => void): { cancel(): void } {
    const own = () => closed();
    this.#onClose.add(own);
    return { cancel: () => this.#onClose.delete(own) };
  }

  /** Iterations end; listeners hear nothing more. */
  close(): void {
    if (this.#isClosed) return;
    for (const name of EVENT_NAMES) this.#listeners[name].clear();
    this.#onAny.clear();
    this.#follow();
    this.#isClosed = true;
    for (const end of [...this.#onClose]) end();
    this.#onClose.clear();
  }

  /** Subscribes to what somebody listens to and lets go of the rest. */
  #follow(): void {
    const { services, controller } = this.#node;
    const has = (name: BrokerEventName) => this.#listeners[name].size > 0;
    const any = this.#onAny.size > 0;
    if (any || TOPIC_EVENTS.some(has)) this.#metadata ??= controller.onApplied((delta) => this.#applied(delta));
    else this.#metadata = cancelled(this.#metadata);
    if (any || has("groupRebalanced")) this.#groups ??= services.groups.onRebalanced((group) => this.#tell("groupRebalanced", group));
    else this.#groups = cancelled(this.#groups);
    if (any || has("recordsAppended")) this.#appends ??= new AppendWatch(services, controller, () => this.#plan());
    else this.#appends = cancelled(this.#appends);
  }

  #applied(delta: MetadataDelta): void {
    for (const topic of delta.topicsDeleted) this.#tell("topicDeleted", eventOf(topic));
    for (const topic of delta.topicsCreated) this.#tell("topicCreated", eventOf(topic));
    for (const topic of delta.topicsChanged) this.#tell("topicChanged", eventOf(topic));
    this.#plan();
  }

  #tell<Name extends BrokerEventName>(name: Name, event: BrokerEvents[Name]): void {
    if (this.#listeners[name].size > 0) this.#told.push(() => this.#deliver(name, event));
    this.#plan();
  }

  #plan(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    this.#node.services.io.timers.soon(() => {
      this.#isPlanned = false;
      for (const tell of this.#told.splice(0)) tell();
      for (const event of this.#appends?.take() ?? []) this.#deliver("recordsAppended", event);
      for (const changed of [...this.#onAny]) changed();
    });
  }

  #deliver<Name extends BrokerEventName>(name: Name, event: BrokerEvents[Name]): void {
    for (const listener of [...this.#listeners[name]]) {
      try {
        (listener as (event: BrokerEvents[Name]) => void)(event);
      } catch (error) {
        logOf("embed")("error", "A listener of a broker's events failed", { on: name, cause: String(error) });
      }
    }
  }
}

/** Events in order, as fast as they are taken. */
interface Buffered<Event> {
  /** Null when the broker was closed, or after `cancel`. @throws {Overloaded} when more waited than fit. One call at a time. */
  next(): Promise<Event | null>;
  cancel(): void;
}

function cancelled(subscription: { cancel(): void } | null): null {
  subscription?.cancel();
  return null;
}

function eventOf({ name, topicId, partitions }: TopicImage): TopicEvent {
  return { topic: name, topicId, partitions: partitions.length };
}
