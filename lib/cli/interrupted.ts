/** Waiting that Ctrl-C ends. */

/** Items of `source` until the signal fires, also while the next item is awaited. */
export async function* untilInterrupted<T>(source: AsyncIterable<T> | Iterable<T>, signal: AbortSignal): AsyncIterable<T> {
  if (signal.aborted) return;
  const stop = Promise.withResolvers<null>();
  const onAbort = () => stop.resolve(null);
  signal.addEventListener("abort", onAbort, { once: true });
  const items = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  let isWaiting = false;
  try {
    while (true) {
      isWaiting = true;
      const next = await Promise.race([items.next(), stop.promise]);
      if (next === null || signal.aborted) return;
      isWaiting = false;
      if (next.done) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
    // A generator that still waits for its next item cannot be ended; the process does that.
    if (!isWaiting) await items.return?.();
  }
}
