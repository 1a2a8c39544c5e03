/** Who waits for bytes of one log to be durable, in the order of offsets, which is the order of the calls. */
export class DurableWaiters {
  /** Before `#head` they have been called. */
  readonly #waiting: { readonly offset: number; readonly done: (error: Error | null) => void }[] = [];
  #head = 0;

  push(offset: number, done: (error: Error | null) => void): void {
    this.#waiting.push({ offset, done });
  }

  /** Everything below `end` is durable. Who is called may wait again. */
  passed(end: number): void {
    for (let waiter; (waiter = this.#waiting[this.#head]) !== undefined && waiter.offset < end;) {
      this.#head++;
      waiter.done(null);
    }
    if (this.#head === this.#waiting.length) {
      this.#waiting.length = 0;
      this.#head = 0;
    } else if (this.#head > 1024) {
      this.#waiting.splice(0, this.#head);
      this.#head = 0;
    }
  }

  failAll(error: Error): void {
    const failed = this.#waiting.splice(0).slice(this.#head);
    this.#head = 0;
    for (const { done } of failed) done(error);
  }
}
