/** Hands out producer ids from reserved blocks (KIP-730). It must not give an id whose reservation is not committed. */
import { type ProducerId, producerId } from "../protocol/mod.ts";

export class ProducerIds {
  readonly #reserve: () => Promise<ProducerId>;
  readonly #blockSize: number;
  #next = 0;
  #end = 0;
  #reserving: Promise<void> | null = null;

  /** @param reserve commits a block of `blockSize` ids and resolves to its first. */
  constructor(reserve: () => Promise<ProducerId>, blockSize: number) {
    this.#reserve = reserve;
    this.#blockSize = blockSize;
  }

  async next(): Promise<ProducerId> {
    while (this.#next >= this.#end) {
      // Everybody who finds the block empty waits for the same reservation.
      this.#reserving ??= this.#refill().finally(() => this.#reserving = null);
      await this.#reserving;
    }
    return producerId(this.#next++);
  }

  async #refill(): Promise<void> {
    const first = await this.#reserve();
    this.#next = first;
    this.#end = first + this.#blockSize;
  }
}
