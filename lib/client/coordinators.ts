/**
 * Which broker coordinates which group or transactional id. Remembers answers until somebody says they are wrong; everything asked for in
 * one turn goes into one request (KIP-699). Repeats nothing.
 */
import { type Draft, type FindCoordinator, type Infer } from "../protocol/mod.ts";
import { failureOf, KafkaError } from "./errors.ts";
import type { ClusterNode } from "./types.ts";

export type CoordinatorType = "group" | "transaction";
const KEY_TYPE: Readonly<Record<CoordinatorType, number>> = { group: 0, transaction: 1 };
/** From this version on a request has several keys. */
const MANY_SINCE = 4;
/** Coordinators that are remembered; beyond that the oldest goes. */
const KEYS_MAX = 10_000;

export interface CoordinatorContext {
  /** The version of FindCoordinator that is spoken; both calls have the default budget. @throws {KafkaError} */
  version(): Promise<number>;
  ask(request: Draft<typeof FindCoordinator.request>, maxVersion: number): Promise<Infer<typeof FindCoordinator.response>>;
  learnNode(node: ClusterNode): void;
}

type Answers = ReadonlyMap<string, number | KafkaError>;

export class Coordinators {
  readonly #context: CoordinatorContext;
  readonly #known = new Map<string, number>();
  readonly #next = new Map<CoordinatorType, { readonly keys: Set<string>; readonly answers: Promise<Answers> }>();

  constructor(context: CoordinatorContext) {
    this.#context = context;
  }

  /** @throws {KafkaError} */
  async find(type: CoordinatorType, key: string): Promise<number> {
    const known = this.#known.get(`${type}:${key}`);
    if (known !== undefined) return known;
    let next = this.#next.get(type);
    if (next === undefined) this.#next.set(type, next = this.#nextRequest(type));
    next.keys.add(key);
    const node = (await next.answers).get(key) ?? failureOf("COORDINATOR_NOT_AVAILABLE", `find the coordinator of ${type} "${key}"`);
    if (node instanceof KafkaError) throw node;
    return node;
  }

  forget(type: CoordinatorType, key: string): void {
    this.#known.delete(`${type}:${key}`);
  }

  #nextRequest(type: CoordinatorType): { readonly keys: Set<string>; readonly answers: Promise<Answers> } {
    const keys = new Set<string>();
    const answers = Promise.resolve().then(async () => {
      this.#next.delete(type);
      const version = await this.#context.version();
      if (version >= MANY_SINCE) return await this.#many(type, [...keys], version);
      const answered = new Map<string, number | KafkaError>();
      for (const part of await Promise.all([...keys].map((key) => this.#one(type, key, version)))) answered.set(...part);
      return answered;
    });
    return { keys, answers };
  }

  async #many(type: CoordinatorType, keys: readonly string[], version: number): Promise<Answers> {
    const { coordinators } = await this.#context.ask({ keyType: KEY_TYPE[type], coordinatorKeys: keys }, version);
    return new Map(coordinators.map((row) => [row.key, this.#learn(type, row.key, row)]));
  }

  async #one(type: CoordinatorType, key: string, version: number): Promise<[string, number | KafkaError]> {
    return [key, this.#learn(type, key, await this.#context.ask({ key, keyType: KEY_TYPE[type] }, version))];
  }

  #learn(
    type: CoordinatorType,
    key: string,
    { errorCode, errorMessage, nodeId, host, port }: {
      readonly errorCode: number;
      readonly errorMessage: string | null;
      readonly nodeId: number;
      readonly host: string;
      readonly port: number;
    },
  ): number | KafkaError {
    if (errorCode !== 0) return failureOf(errorCode, `find the coordinator of ${type} "${key}"`, errorMessage);
    this.#context.learnNode({ id: nodeId, host, port, rack: null });
    this.#known.set(`${type}:${key}`, nodeId);
    if (this.#known.size > KEYS_MAX) this.#known.delete(this.#known.keys().next().value!);
    return nodeId;
  }
}
