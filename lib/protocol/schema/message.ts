/**
 * A declared message: one declaration with all its versions inside, and a codec per version that is compiled when it is first
 * used. Knows nothing of headers and frames.
 */
import type { Reader, Writer } from "../wire/mod.ts";
import { compileDecoder } from "./decoder.ts";
import { compileEncoder } from "./encoder.ts";
import { layoutOf } from "./layout.ts";
import type { Fields, ReadStruct, WrittenStruct } from "./types.ts";

/** `Read` is what decoding gives, `Written` what encoding takes. */
export interface Message<Read, Written = Read> {
  readonly name: string;
  readonly apiKey: number | null;
  readonly minVersion: number;
  readonly maxVersion: number;
  /** First version with compact lengths and tagged fields (KIP-482); null: none. */
  readonly flexibleSince: number | null;
  readonly fields: Fields;
  /** @throws {RangeError} for a version that the declaration does not have. */
  codec(version: number): Codec<Read, Written>;
}

/** One version of a message. Methods as properties, so that two codecs of different types are not taken for each other. */
export interface Codec<Read, Written> {
  /** `ProduceRequest v9`, for errors. */
  readonly title: string;
  readonly read: (reader: Reader) => Read;
  readonly write: (writer: Writer, value: Written) => void;
}

/** The decoded type: every field is there in every version. */
export type Infer<M> = M extends Message<infer Read, infer _> ? Read : never;
/** The type that can be encoded: fields with a stated fallback may be left out. */
export type Draft<M> = M extends Message<infer _, infer Written> ? Written : never;

export interface Declaration<F extends Fields> {
  readonly name: string;
  /** Absent for data that is stored or carried inside of another message. */
  readonly apiKey?: number;
  /** First and last version. */
  readonly versions: readonly [first: number, last: number];
  readonly flexible?: number;
  readonly fields: F;
}

/** Declares a message. */
export function message<const F extends Fields>(declaration: Declaration<F>): Message<ReadStruct<F>, WrittenStruct<F>> {
  return new DeclaredMessage(declaration);
}

/**
 * Decodes the whole of what the reader has left.
 * @throws {DecodeError} for anything that is not exactly one message of this version.
 * @throws {RangeError} for a version that the declaration does not have: check it before.
 */
export function decode<Read, Written>(message: Message<Read, Written>, version: number, reader: Reader): Read {
  const value = decodePart(message, version, reader);
  reader.expectEnd();
  return value;
}

/** Decodes one message and leaves what follows it in the reader. @throws as `decode`. */
export function decodePart<Read, Written>(message: Message<Read, Written>, version: number, reader: Reader): Read {
  const codec = message.codec(version);
  reader.context = codec.title;
  return codec.read(reader);
}

/**
 * Writes one message; fields that the version does not have are left out.
 * @throws {EncodeError} for a value that does not fit: the writer then holds a part of it, `reset` it.
 */
export function encode<Read, Written>(message: Message<Read, Written>, version: number, value: Written, writer: Writer): void {
  const codec = message.codec(version);
  writer.context = codec.title;
  codec.write(writer, value);
}

class DeclaredMessage<F extends Fields> implements Message<ReadStruct<F>, WrittenStruct<F>> {
  readonly name: string;
  readonly apiKey: number | null;
  readonly minVersion: number;
  readonly maxVersion: number;
  readonly flexibleSince: number | null;
  readonly fields: F;
  readonly #codecs: (Codec<ReadStruct<F>, WrittenStruct<F>> | undefined)[] = [];

  constructor(declaration: Declaration<F>) {
    this.name = declaration.name;
    this.apiKey = declaration.apiKey ?? null;
    [this.minVersion, this.maxVersion] = declaration.versions;
    this.flexibleSince = declaration.flexible ?? null;
    this.fields = declaration.fields;
  }

  codec(version: number): Codec<ReadStruct<F>, WrittenStruct<F>> {
    return this.#codecs[version] ?? this.#compile(version);
  }

  #compile(version: number): Codec<ReadStruct<F>, WrittenStruct<F>> {
    if (!(Number.isInteger(version) && version >= this.minVersion && version <= this.maxVersion)) {
      throw new RangeError(`Cannot use ${this.name} v${version}: it has versions ${this.minVersion} to ${this.maxVersion}`);
    }
    const layout = layoutOf(this, version);
    const codec = {
      title: `${this.name} v${version}`,
      read: compileDecoder(layout) as (reader: Reader) => ReadStruct<F>,
      write: compileEncoder(layout) as (writer: Writer, value: WrittenStruct<F>) => void,
    };
    this.#codecs[version] = codec;
    return codec;
  }
}
