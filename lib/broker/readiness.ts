/**
 * Whether clients can be served now, and if not, why: what `/readyz`, metrics and health checks tell. Looks at what the rooms say of
 * themselves when it is asked; keeps nothing but the phase of the node and decides nothing.
 */
import type { Controller } from "../controller/types.ts";
import type { Storage } from "../storage/types.ts";

export type Phase = "starting" | "serving" | "draining";

/** In the order in which they are told. */
export const UNREADY_CODES = ["starting", "draining", "storage_stalled", "storage_full", "storage_failed", "no_metadata_leader"] as const;

export interface Unready {
  readonly code: (typeof UNREADY_CODES)[number];
  /** For people: what is so, and what comes of it. */
  readonly message: string;
}

export class Readiness {
  /** Set by the node as it starts and stops. */
  phase: Phase = "starting";
  readonly #storage: Pick<Storage, "health">;
  readonly #controller: Pick<Controller, "quorum">;

  constructor(storage: Pick<Storage, "health">, controller: Pick<Controller, "quorum">) {
    this.#storage = storage;
    this.#controller = controller;
  }

  /** Empty: clients are served. */
  reasons(): readonly Unready[] {
    const reasons: Unready[] = [];
    if (this.phase === "starting") {
      reasons.push({ code: "starting", message: "The node is starting: its Kafka listeners are not open yet" });
    }
    if (this.phase === "draining") {
      reasons.push({ code: "draining", message: "The node is stopping: it answers what is in work and then leaves" });
    }
    const { state, reason } = this.#storage.health;
    if (state !== "ok") reasons.push({ code: `storage_${state}`, message: `Storage is ${state}: ${reason ?? "no reason is known"}` });
    if (this.#controller.quorum().leader === null) reasons.push({ code: "no_metadata_leader", message: "The metadata has no leader" });
    return reasons;
  }
}
