/**
 * Plays a script against consensus cores: commands, a line of dashes, the expected transcript. Commands:
 *   nodes N [SETTING=VALUE] · elapse MS · tick ID MS (time passes, only that node notices) · deliver [A>B] [COUNT] · drop [A>B] · persist ID · settle [IDS] · propose ID TEXT · crash ID · restart ID
 *   compact ID · quiet MS (time passes with everything delivered and written, untold) · status
 */
import type { Raft, RaftOptions } from "../../lib/raft/mod.ts";
import { Cluster } from "./cluster.ts";

/** @returns the script with the transcripts that its commands gave. @param build another build of the core. */
export function play(script: string, build?: (options: RaftOptions) => Raft): string {
  const session = new Session(build);
  const blocks = script.trim().split(/\n\n+/).map((block) => {
    const lines = block.split("\n");
    const dashes = lines.indexOf("----");
    const commands = dashes < 0 ? lines : lines.slice(0, dashes);
    if (commands.every((line) => line.startsWith("#"))) return block;
    const output = commands.filter((line) => !line.startsWith("#")).flatMap((line) => session.run(line));
    return [...commands, "----", ...output.length > 0 ? output : ["nothing"]].join("\n");
  });
  return blocks.join("\n\n") + "\n";
}

class Session {
  #cluster!: Cluster;
  #lines: string[] = [];
  #silent = false;

  constructor(readonly build: ((options: RaftOptions) => Raft) | undefined) {}

  run(line: string): string[] {
    this.#lines = [];
    const [command, ...rest] = line.split(" ");
    this.#execute(command!, rest);
    return this.#lines;
  }

  #execute(command: string, rest: readonly string[]): void {
    const cluster = this.#cluster;
    const node = () => cluster.node(Number(rest[0]));
    switch (command) {
      case "nodes": {
        const size = Number(rest[0]);
        const settings = Object.fromEntries(rest.slice(1).map((word) => word.split("=")).map(([key, value]) => [key, Number(value)]));
        // Node 1 has the shortest election timeout, and so on.
        this.#cluster = new Cluster({
          size,
          settings,
          random: (id) => (id - 1) / size,
          trace: (told) => this.#tell(told),
          ...this.build === undefined ? {} : { build: this.build },
        });
        return;
      }
      case "elapse":
        return cluster.elapse(Number(rest[0]));
      case "tick":
        cluster.now += Number(rest[1]);
        return cluster.step(node(), { kind: "tick", now: cluster.now });
      case "deliver":
        return this.#each(rest, (at) => cluster.deliver(at));
      case "drop":
        return this.#each(rest, (at) => cluster.drop(at));
      case "persist":
        return cluster.persist(node());
      case "propose":
        return cluster.propose(node(), rest[1]!);
      case "crash":
        return cluster.crash(node());
      case "restart":
        return cluster.restart(node());
      case "compact":
        return cluster.compact(node());
      case "settle":
        return this.#settle(rest.map(Number));
      case "quiet":
        this.#silent = true;
        for (let passed = 0; passed < Number(rest[0]); passed += 50) {
          cluster.elapse(50);
          this.#settle([]);
        }
        this.#silent = false;
        return;
      case "status":
        return this.#status();
      default:
        throw new Error(`Cannot run "${command}": no such command`);
    }
  }

  #tell(line: string): void {
    if (!this.#silent) this.#lines.push(line);
  }

  /** All that are on the wire now, or those of one link, oldest first, at most a count. */
  #each(rest: readonly string[], act: (at: number) => void): void {
    const link = rest.find((word) => word.includes(">"));
    const matching = (): number[] =>
      this.#cluster.wire.flatMap((message, at) => link === undefined || link === `${message.from}>${message.to}` ? [at] : []);
    const asked = Number(rest.find((word) => !word.includes(">")) ?? Infinity);
    for (let left = Math.min(asked, matching().length); left > 0; left--) act(matching()[0]!);
  }

  /** Delivers and writes among `ids` (all when empty) until nothing happens; what goes to others is dropped. */
  #settle(ids: readonly number[]): void {
    const cluster = this.#cluster;
    const inside = (id: number) => ids.length === 0 || ids.includes(id);
    for (let rounds = 0; rounds < 1_000; rounds++) {
      for (const node of cluster.nodes) while (inside(node.id) && node.up && node.writes.length > 0) cluster.persist(node);
      if (cluster.wire.length === 0) return;
      const { from, to } = cluster.wire[0]!;
      if (inside(from) && inside(to)) cluster.deliver(0);
      else cluster.drop(0);
    }
    throw new Error("Cannot settle: messages never end");
  }

  #status(): void {
    for (const { id, up, raft, disk } of this.#cluster.nodes) {
      const { role, term, leader, commit, lastIndex, durableIndex } = raft.status;
      const log = [
        ...disk.snapshot === null ? [] : [`…${disk.snapshot.meta.index}`],
        ...disk.entries.map((entry) => `${entry.index}@${entry.term}`),
      ];
      const lease = raft.leaseUntil > this.#cluster.now ? ` lease ${Math.round(raft.leaseUntil - this.#cluster.now)} ms` : "";
      this.#tell(
        `${id} ${up ? role : "down"} term ${term} leader ${
          leader ?? "none"
        } commit ${commit} durable ${durableIndex} of ${lastIndex} disk [${log.join(" ")}]${lease}`,
      );
    }
  }
}
