/** A declared message: its name, its versions and its fields. Types only until the codecs land beside it. */

export interface Message<T> {
  readonly name: string;
  readonly apiKey: number | null;
  readonly minVersion: number;
  readonly maxVersion: number;
  /** First version with compact lengths and tagged fields (KIP-482); null: none. */
  readonly flexibleSince: number | null;
  /** Carries the type; never set. */
  readonly infer?: T;
}

export type Infer<M> = M extends Message<infer T> ? T : never;
