/** Waiting that Ctrl-C ends. */

/** Items of `source` until the signal fires, also while the next item is awaited. */
export async function* untilInterrupted<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncIterable<T> {
  if (signal.aborted) return;
  const items = source[Symbol.asyncIterator]();
  /** One wait at a time. A race with one promise that lives as long as the command would keep every item that ever won. */
  let waiting: ((next: null) => void) | null = null;
  const onAbort = () => waiting?.(null);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    while (true) {
      const next = await new Promise<IteratorResult<T> | null>((resolve, reject) => {
        waiting = resolve;
        items.next().then(resolve, reject);
      });
      if (next === null) return;
      waiting = null;
      if (signal.aborted || next.done) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
    // A source that still waits for its next item cannot be ended; the process does that.
    if (waiting === null) await items.return?.();
  }
}
