/** Door of `wire`: Kafka's primitive types between bytes and values. */
export { DecodeError, EncodeError } from "./errors.ts";
export {
  ARRAY_ELEMENTS_MAX,
  EXPLANATION_CHARS_MAX,
  MEMORY_BYTES_FREE,
  MEMORY_PER_BYTE_MAX,
  MESSAGE_ELEMENTS_MAX,
  STRING_BYTES_MAX,
  TAGGED_FIELDS_MAX,
  VARINT_BYTES_MAX,
} from "./limits.ts";
export { Reader } from "./reader.ts";
export { isUuid, UUID_BYTES, uuidFromBytes, uuidToBytes } from "./uuid.ts";
export { type Chunks, Writer } from "./writer.ts";
