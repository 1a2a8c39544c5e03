/** Door of `schema`: one declaration per message with all versions inside, the type inferred from it, codecs compiled from it. */
export { advertisedVersions, type AnyApi, type Api, api, isFlexible, isServed } from "./api.ts";
export { bytesMin, elementMemory, type Layout, layoutOf, presentSlots, type Shape, type Slot, taggedSlots } from "./layout.ts";
export { type Codec, type Declaration, decode, decodePart, type Draft, encode, type Infer, type Message, message } from "./message.ts";
export type { Fields } from "./types.ts";
export {
  array,
  between,
  bool,
  bytes,
  explanation,
  int16,
  int32,
  int64,
  int8,
  nullable,
  optional,
  records,
  since,
  string,
  struct,
  tagged,
  uint16,
  until,
  uuid,
} from "./types.ts";
