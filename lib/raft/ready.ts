/** Collects what one step asks for. It must not decide anything; it only keeps the lists until `raft.ts` hands them out. */
import type { Entry, HardState, Message, Ready, SnapshotMeta } from "./types.ts";

const NO_ENTRIES: readonly Entry[] = [];
const NO_MESSAGES: readonly Message[] = [];

export class ReadyBuilder {
  #send: Message[] = [];
  #sendOncePersisted: Message[] = [];
  #snapshot: { readonly meta: SnapshotMeta; readonly data: Uint8Array } | null = null;

  send(message: Message): void {
    this.#send.push(message);
  }
  sendOncePersisted(message: Message): void {
    this.#sendOncePersisted.push(message);
  }
  install(meta: SnapshotMeta, data: Uint8Array): void {
    this.#snapshot = { meta, data };
  }
  get installs(): boolean {
    return this.#snapshot !== null;
  }

  take(rest: {
    readonly hardState: HardState | null;
    readonly entries: readonly Entry[];
    readonly mark: { readonly term: number; readonly index: number } | null;
    readonly apply: readonly Entry[];
    readonly role: Ready["role"];
    readonly wakeAt: number | null;
  }): Ready {
    const ready: Ready = {
      send: this.#send.length > 0 ? this.#send : NO_MESSAGES,
      persist: { hardState: rest.hardState, entries: rest.entries.length > 0 ? rest.entries : NO_ENTRIES, mark: rest.mark },
      sendOncePersisted: this.#sendOncePersisted.length > 0 ? this.#sendOncePersisted : NO_MESSAGES,
      apply: rest.apply,
      role: rest.role,
      snapshot: this.#snapshot,
      wakeAt: rest.wakeAt,
    };
    this.#send = [];
    this.#sendOncePersisted = [];
    this.#snapshot = null;
    return ready;
  }
}
