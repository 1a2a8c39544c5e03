/** What operators and the broker itself do beside the data: delete records and topics, checkpoints and maintenance at odd times, other settings. */
import { Closed } from "../../io/mod.ts";
import { Actor } from "./actor.ts";
import { Violation } from "../world.ts";
import type { Serving, StorageRun } from "./run.ts";
import type { Knobs } from "./settings.ts";

const CHORE_MS = 20_000;

export type Chore = "deleteRecords" | "recreate" | "checkpoint" | "maintain" | "restart";

/** Does one thing to one topic, or to the node, again and again. */
export class Chores extends Actor {
  readonly #chore: Chore;
  readonly #topicName: string;
  readonly #knobs: Knobs;
  #running = 0;

  constructor(run: StorageRun, chore: Chore, topicName: string, operations: number, knobs: Knobs) {
    super(run, chore, topicName, operations, knobs);
    this.#chore = chore;
    this.#topicName = topicName;
    this.#knobs = knobs;
  }

  protected get isBusy(): boolean {
    return this.#running > 0;
  }
  protected override lost(): void {
    this.#running = 0;
  }
  override finish(): void {
    super.finish();
    this.left = 0;
  }

  protected override act(node: Serving): void {
    if (this.left === 0 || this.#running > 0) return;
    this.left--;
    switch (this.#chore) {
      case "deleteRecords":
        return this.#deleteRecords(node);
      case "recreate":
        return this.#recreate(node);
      case "restart":
        return this.run.close(() => this.run.restartSoon());
      case "checkpoint":
        return this.#await(node, node.storage.checkpoint());
      case "maintain":
        return this.#await(node, node.storage.maintain());
    }
  }

  #await(node: Serving, work: Promise<void>): void {
    this.#running++;
    this.watch(node, work, () => this.#settled(node), (error) => {
      throw new Violation(`${this.#chore} rejects: ${error.stack}`);
    });
  }

  #settled(node: Serving): void {
    if (this.node === node) this.#running--;
  }

  #deleteRecords(node: Serving): void {
    const number = this.draws.below(this.#knobs["partitions"] ?? 1);
    const model = this.run.topics.byName(this.#topicName).partitions[number]!;
    const partition = node.replicas.byName(this.#topicName, number)!;
    if (model.isBroken || model.isOffline) return;
    const start = partition.logStartOffset, end = partition.highWatermark;
    const offset = this.draws.chance(0.1) ? end : start + this.draws.below(end - start + 1);
    model.startAsked = Math.max(model.startAsked, offset);
    this.#running++;
    this.watch(node, partition.deleteRecords(offset, node.io.deadlines.in("deleteRecords", CHORE_MS)), (now) => {
      this.#settled(node);
      if (now < offset) throw new Violation(`${model.name}: the log starts at ${now} after all below ${offset} was deleted`);
      model.sawStart(now);
    }, (error) => {
      this.#settled(node);
      if (!(error instanceof Closed) && !this.run.isExplained(error)) {
        throw new Violation(`${model.name}: cannot delete records: ${error.stack}`);
      }
    });
  }

  /** Deletes the topic and makes another of its name, in one entry of the metadata or in two. */
  #recreate(node: Serving): void {
    const { topics } = this.run;
    const deleted = topics.byName(this.#topicName).image(node.leaderEpoch);
    const created = topics.create(this.#topicName, this.#knobs).image(node.leaderEpoch);
    const delta = { topicsCreated: [created], topicsDeleted: [deleted], topicsChanged: [], brokersChanged: false, configsChanged: [] };
    this.run.world.mark("sim.storage.recreated");
    node.replicas.apply(delta, topics.image(node.leaderEpoch));
  }
}
