/** Collects what one step asks for. It must not decide anything; it only keeps the lists until the step hands them out. */
import type { Entry, Message, Ready, SnapshotMeta } from "./types.ts";

export const NO_ENTRIES: readonly Entry[] = [];
const NO_MESSAGES: readonly Message[] = [];
/** Most steps ask for nothing to be written. */
export const NOTHING_TO_PERSIST: Ready["persist"] = { hardState: null, entries: NO_ENTRIES, mark: null };

export class ReadyBuilder {
  #send: Message[] = [];
  #sendOncePersisted: Message[] = [];
  #snapshot: { readonly meta: SnapshotMeta; readonly data: Uint8Array } | null = null;
  /** What the last step with nothing but a time to wake at has said: most say the same again. */
  #quiet = quietUntil(null);

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

  take(persist: Ready["persist"], apply: readonly Entry[], role: Ready["role"], wakeAt: number | null): Ready {
    const sends = this.#send.length + this.#sendOncePersisted.length > 0;
    if (!sends && persist === NOTHING_TO_PERSIST && apply.length === 0 && role === null && this.#snapshot === null) {
      return this.#quiet.wakeAt === wakeAt ? this.#quiet : this.#quiet = quietUntil(wakeAt);
    }
    const ready: Ready = {
      send: this.#send.length > 0 ? this.#send : NO_MESSAGES,
      persist,
      sendOncePersisted: this.#sendOncePersisted.length > 0 ? this.#sendOncePersisted : NO_MESSAGES,
      apply,
      role,
      snapshot: this.#snapshot,
      wakeAt,
    };
    if (this.#send.length > 0) this.#send = [];
    if (this.#sendOncePersisted.length > 0) this.#sendOncePersisted = [];
    this.#snapshot = null;
    return ready;
  }
}

const quietUntil = (wakeAt: number | null): Ready => ({
  send: NO_MESSAGES,
  persist: NOTHING_TO_PERSIST,
  sendOncePersisted: NO_MESSAGES,
  apply: NO_ENTRIES,
  role: null,
  snapshot: null,
  wakeAt,
});
