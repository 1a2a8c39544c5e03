/**
 * From a frame to its handler and back to the connection's writer: decodes, sets the deadline, encodes. A request is handed to its
 * handler at once and runs there to its first await: nothing here waits between two requests of a connection, so arrival
 * order is the order in which produces enter the log. Knows no API. Source: HAZARDS N4, N6, N7.
 */
import { type Deadline, DeadlineExceeded, invariant, InvariantBroken, type Lease, type Piece } from "../io/mod.ts";
import {
  DecodeError,
  decodePart,
  encodeResponse,
  isFlexible,
  isServed,
  readClientId,
  Reader,
  readRequestPrefix,
  Writer,
} from "../protocol/mod.ts";
import { Histogram, type HistogramCounts } from "../telemetry/mod.ts";
import { apiFamilyOf, isUnforeseen, kafkaErrorOf } from "./error_mapping.ts";
import { type CountErrors, errorCounterOf } from "./reply_errors.ts";
import { type AnyHandler, type ConnectionInfo, NO_REPLY, type RequestContext } from "./handler.ts";
import type { PeerEvent, PeerLog } from "./peer_log.ts";
import type { ReplySlot, ReplyWriter } from "./reply_writer.ts";
import type { Services } from "./services.ts";

/** What a client may ask for at most. A rebalance may take long, an hour is nobody's honest wish. */
const BUDGET_MS_MAX = 3_600_000;
/** A handler answers at its deadline by itself, in its own words; the router answers for one that did not. */
const GRACE_MS = 1_000;
/** Exit code for a broken promise of our own code (EX_SOFTWARE). */
const EXIT_SOFTWARE = 70;

/** Where a request came from and where its reply goes. */
export interface Origin {
  readonly info: ConnectionInfo;
  readonly replies: ReplyWriter;
  readonly isClosed: boolean;
  /** Calls `fire` once when the connection is gone; at once if it is. */
  whenClosed(fire: () => void): { cancel(): void };
  /** Ends the connection because of what the peer did. */
  abort(event: PeerEvent, why: string): void;
}

export interface ApiCount {
  readonly name: string;
  /** Of served versions, by version. */
  readonly requests: readonly number[];
  /** Answered by `refuse` because the handler failed or was late. */
  readonly failures: number;
  /** Errors told in replies, by code. */
  readonly errors: ReadonlyMap<number, number>;
  /** Seconds from the request's last byte to its encoded reply. */
  readonly seconds: HistogramCounts;
}

export class Router {
  readonly services: Services;
  readonly log: PeerLog;
  /** One for all connections: a reply is written in one go. */
  readonly writer = new Writer();
  readonly #routes: (Route | undefined)[] = [];

  /** @param handlers at most one for each key. */
  constructor(services: Services, handlers: readonly AnyHandler[], log: PeerLog) {
    this.services = services;
    this.log = log;
    for (const handler of handlers) {
      invariant(this.#routes[handler.api.key] === undefined, `API key ${handler.api.key} has one handler`);
      this.#routes[handler.api.key] = new Route(handler);
    }
  }

  counts(): readonly ApiCount[] {
    return this.#routes.flatMap((route) => route === undefined ? [] : [route.count]);
  }

  /** Takes the frame over. Never throws for what a peer sent or a handler did. */
  route(frame: Piece, origin: Origin): void {
    let exchange: Exchange | null = null;
    try {
      exchange = this.#open(frame, origin);
    } catch (error) {
      if (error instanceof DecodeError) origin.abort("badRequest", error.message);
      else this.stop(error);
    }
    if (exchange === null) frame.release();
    else exchange.start();
  }

  /** A broken promise of our own code: the node cannot go on. */
  stop(error: unknown): void {
    const broken = error instanceof Error ? error : new InvariantBroken(String(error));
    this.services.io.fatal(EXIT_SOFTWARE, broken.stack ?? broken.message);
  }

  /** Null when there is nothing to handle. @throws {DecodeError} */
  #open(frame: Piece, origin: Origin): Exchange | null {
    const reader = new Reader(frame.bytes);
    const { apiKey, apiVersion, correlationId } = readRequestPrefix(reader);
    const route = this.#routes[apiKey];
    if (route === undefined) {
      origin.abort("unknownApi", `API key ${apiKey} is not served`);
      return null;
    }
    const { handler } = route;
    const { api } = handler;
    if (!isServed(api, apiVersion)) {
      this.#refuseVersion(handler, apiVersion, correlationId, origin);
      return null;
    }
    route.requests[apiVersion]!++;
    const clientId = origin.info.clientId = readClientId(reader, isFlexible(api, apiVersion));
    // What follows the message is ignored, as Kafka ignores it: librdkafka 2.16 sends three bytes too many with Metadata v13.
    const request = decodePart(api.request, apiVersion, reader);
    const budgetMs = Math.min(BUDGET_MS_MAX, Math.max(0, handler.budgetMs?.(request) ?? this.services.settings.requestTimeoutMs));
    const startedAt = this.services.io.clock.mono();
    const deadline = { op: api.name, at: startedAt + budgetMs };
    return new Exchange(this, route, origin, request, frame, clientId, apiVersion, correlationId, deadline, startedAt);
  }

  #refuseVersion({ api, unsupportedVersion }: AnyHandler, version: number, correlationId: number, origin: Origin): void {
    if (unsupportedVersion === undefined) {
      const served = `${api.minVersion} to ${api.maxVersion}`;
      return origin.abort("unsupportedVersion", `${api.name} v${version} is not served, only versions ${served} are`);
    }
    origin.replies.open().answer(encodeResponse(api, 0, correlationId, unsupportedVersion(), this.writer), []);
  }
}

/** A handler, and what is counted of it. */
class Route {
  readonly handler: AnyHandler;
  readonly countErrors: CountErrors;
  readonly errors = new Map<number, number>();
  readonly seconds = new Histogram();
  readonly requests: number[];
  failures = 0;

  constructor(handler: AnyHandler) {
    this.handler = handler;
    this.requests = new Array<number>(handler.api.maxVersion + 1).fill(0);
    this.countErrors = errorCounterOf(handler.api.response.fields, this.errors);
  }

  get count(): ApiCount {
    const { handler, requests, failures, errors, seconds } = this;
    return { name: handler.api.name, requests, failures, errors, seconds: seconds.counts() };
  }
}

/** One request on its way: what the handler sees of it, and what becomes of its reply. */
class Exchange implements RequestContext {
  readonly connection: ConnectionInfo;
  readonly services: Services;
  readonly #slot: ReplySlot;
  /** Kept until the reply has left. Empty again once they were handed to the writer. */
  #held: Lease[] = [];
  /** The reply's place in the order is used up: what the handler says now comes too late. */
  #isAnswered = false;
  readonly #startedAt: number;

  constructor(
    readonly router: Router,
    readonly route: Route,
    readonly origin: Origin,
    readonly request: unknown,
    readonly lease: Piece,
    readonly clientId: string | null,
    readonly apiVersion: number,
    readonly correlationId: number,
    readonly deadline: Deadline,
    startedAt: number,
  ) {
    this.connection = origin.info;
    this.services = router.services;
    this.#startedAt = startedAt;
    this.#slot = origin.replies.open();
  }

  holdUntilSent(lease: Lease): void {
    this.#held.push(lease);
  }

  /** Runs the handler to its first await. */
  start(): void {
    let outcome: unknown;
    try {
      outcome = this.route.handler.handle(this.request, this);
    } catch (error) {
      this.#fail(error);
      return this.#end();
    } finally {
      // Who needs the frame's bytes beyond the first await has retained them by now: a parked fetch must not pin a slab of others.
      this.lease.release();
    }
    if (!(outcome instanceof Promise)) {
      this.#answer(outcome);
      return this.#end();
    }
    const { deadline } = this;
    const last = { op: deadline.op, at: deadline.at + GRACE_MS };
    const waker = this.services.io.deadlines.wake(last, () => {
      this.#fail(new DeadlineExceeded(deadline.op, this.connection.remote.host, GRACE_MS));
    });
    outcome.then((response) => {
      waker.cancel();
      this.#answer(response);
      this.#end();
    }, (error) => {
      waker.cancel();
      this.#fail(error);
      this.#end();
    });
  }

  #answer(response: unknown): void {
    if (this.#isAnswered) return;
    if (response === NO_REPLY) {
      this.#isAnswered = true;
      this.#countTime();
      return this.#slot.skip();
    }
    const { handler: { api }, countErrors } = this.route;
    try {
      const chunks = encodeResponse(api, this.apiVersion, this.correlationId, response, this.router.writer);
      this.#isAnswered = true;
      countErrors(response);
      this.#countTime();
      const held = this.#held;
      this.#held = [];
      this.#slot.answer(chunks, held);
    } catch (error) {
      this.#giveUp(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#isAnswered) return;
    const { handler } = this.route;
    this.route.failures++;
    try {
      const name = kafkaErrorOf(error, apiFamilyOf(handler.api.key));
      const message = error instanceof Error ? error.message : String(error);
      if (isUnforeseen(error)) {
        const detail = error instanceof Error ? error.stack ?? message : message;
        this.router.log.tell(
          "internalError",
          this.connection.remote,
          "Cannot handle a request",
          `${handler.api.name} v${this.apiVersion}: ${detail}`,
        );
      }
      this.#answer(handler.refuse(this.request, name, message));
    } catch (broken) {
      this.#giveUp(broken);
    }
  }

  #countTime(): void {
    this.route.seconds.observe((this.services.io.clock.mono() - this.#startedAt) / 1000);
  }

  /** The reply cannot be made. Its place would block all later ones, so the connection goes; a broken invariant takes the node along. */
  #giveUp(error: unknown): void {
    if (!this.#isAnswered) {
      this.#isAnswered = true;
      this.#slot.skip();
    }
    if (error instanceof InvariantBroken) this.router.stop(error);
    const detail = error instanceof Error ? error.stack ?? error.message : String(error);
    this.origin.abort("internalError", `Cannot answer ${this.route.handler.api.name} v${this.apiVersion}: ${detail}`);
  }

  get isGone(): boolean {
    return this.origin.isClosed;
  }

  whenGone(fire: () => void): { cancel(): void } {
    return this.origin.whenClosed(fire);
  }

  hangUp(why: string): void {
    this.origin.abort("hungUp", `${this.route.handler.api.name} v${this.apiVersion}: ${why}`);
  }

  /** The handler is done with everything. */
  #end(): void {
    for (const lease of this.#held) lease.release();
    this.#held = [];
  }
}
