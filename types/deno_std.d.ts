// deno-std carries @std's code without its types: these are the parts that are used, under their own names.
declare module "@std/cli/parse-args" {
  export interface ParseOptions {
    readonly boolean?: readonly string[];
    readonly string?: readonly string[];
    readonly collect?: readonly string[];
    readonly alias?: Readonly<Record<string, string>>;
    readonly default?: Readonly<Record<string, unknown>>;
    readonly stopEarly?: boolean;
    /** Called for each flag that no option names; `false` keeps it out of the result. */
    readonly unknown?: (argument: string, key?: string, value?: unknown) => unknown;
  }
  export function parseArgs(
    args: readonly string[],
    options?: ParseOptions,
  ): Record<string, unknown> & { readonly _: readonly (string | number)[] };
}
declare module "@std/async/pool" {
  /** Runs `iteratorFn` over `array` with at most `poolLimit` at a time; results in the order of the input. */
  export function pooledMap<T, R>(
    poolLimit: number,
    array: Iterable<T> | AsyncIterable<T>,
    iteratorFn: (data: T) => Promise<R>,
  ): AsyncIterableIterator<R>;
}
declare module "@std/async/deadline" {
  /** Rejects with a TimeoutError when `p` takes longer than `ms`. */
  export function deadline<T>(p: Promise<T>, ms: number, options?: { readonly signal?: AbortSignal }): Promise<T>;
}
declare module "@std/streams/text-line-stream" {
  /** Splits text into lines. */
  export class TextLineStream extends TransformStream<string, string> {
    constructor(options?: { readonly allowCR?: boolean });
  }
}
