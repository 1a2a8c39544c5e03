/** Whole requests and responses: prefix, header and body in one frame. Sends nothing. */
import { type HeaderOf, readResponseHeader, type RequestHeader, writeRequestHeader, writeResponseHeader } from "./header.ts";
import { decode, encode, type Message } from "./schema/mod.ts";
import { DecodeError, Reader, type Writer } from "./wire/mod.ts";
import { FRAME_PREFIX_BYTES } from "./frame.ts";

/**
 * A response in its frame. Record bytes are passed on as chunks of their own: they must stay until the frame has left.
 * @throws {EncodeError} for a response that does not fit; the writer is as before then.
 */
export function encodeResponse<Response>(
  api: HeaderOf & { readonly response: Message<unknown, Response> },
  version: number,
  correlationId: number,
  response: Response,
  writer: Writer,
): Uint8Array[] {
  return frame(writer, () => {
    writeResponseHeader(writer, api, version, correlationId);
    encode(api.response, version, response, writer);
  });
}

/** A request in its frame. @throws as `encodeResponse`. */
export function encodeRequest<Draft>(
  api: HeaderOf & { readonly request: Message<unknown, Draft> },
  header: Omit<RequestHeader, "apiKey">,
  request: Draft,
  writer: Writer,
): Uint8Array[] {
  return frame(writer, () => {
    writeRequestHeader(writer, api, header);
    encode(api.request, header.apiVersion, request, writer);
  });
}

/**
 * The body of a response from its frame without prefix. `records` are views into `frame`.
 * @throws {DecodeError} for a damaged response, and for one with another correlation id.
 */
export function decodeResponse<Read>(
  api: HeaderOf & { readonly response: Message<Read, never> },
  version: number,
  correlationId: number,
  frame: Uint8Array,
): Read {
  const reader = new Reader(frame);
  const answered = readResponseHeader(reader, api, version);
  if (answered !== correlationId) throw new DecodeError("response header", "correlationId", `is ${answered}, expected ${correlationId}`, 0);
  return decode(api.response, version, reader);
}

function frame(writer: Writer, write: () => void): Uint8Array[] {
  const length = writer.reserveInt32();
  try {
    write();
  } catch (error) {
    writer.reset();
    throw error;
  }
  writer.patchInt32(length, writer.byteLength - FRAME_PREFIX_BYTES);
  return writer.finish();
}
