/** What is expensive to load and not always needed. */

/** Calls `load` when it is asked for the first time, and never again. */
export function once<T>(load: () => T): () => T {
  let loaded: { readonly value: T } | null = null;
  return () => (loaded ??= { value: load() }).value;
}
