/** Keys and values between bytes and JSON: as text, as JSON, as hex or as base64. Loses nothing: what does not fit a form is told in another. */
import { z } from "@hono/zod-openapi";
import { field } from "../params.ts";

export const FORMATS = ["text", "json", "hex", "base64"] as const;
export type Format = typeof FORMATS[number];

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const loose = new TextDecoder("utf-8", { ignoreBOM: true });
/** JSON numbers are doubles here: one with more digits would come back as another. */
const LONG_NUMBER = /\d{16}/;

export const Payload = z.object({
  format: field(z.enum(FORMATS), "How `data` is written", "json"),
  data: z.unknown().openapi({ description: "The bytes as text, hex or base64, or the JSON value that they are", examples: [{ id: 7 }] }),
  sizeBytes: field(z.int().min(0), "How many bytes it is in the record", 8),
  truncated: field(z.boolean(), "Whether `data` is only the beginning", false),
}).openapi("Payload");

/**
 * @param wanted `auto`: JSON for objects and lists, text for UTF-8, else base64. A form that the bytes do not fit becomes the next one of these.
 * @param bytesMax longer ones are cut, and never told as JSON.
 */
export function toPayload(bytes: Uint8Array | null, wanted: Format | "auto", bytesMax: number): z.output<typeof Payload> | null {
  if (bytes === null) return null;
  const truncated = bytes.length > bytesMax;
  const shown = truncated ? bytes.subarray(0, bytesMax) : bytes;
  const rest = { sizeBytes: bytes.length, truncated };
  if (wanted === "hex") return { format: "hex", data: shown.toHex(), ...rest };
  if (wanted === "base64") return { format: "base64", data: shown.toBase64(), ...rest };
  const text = decoded(shown, truncated);
  if (text === null) return { format: "base64", data: shown.toBase64(), ...rest };
  if (!truncated && (wanted === "json" || (wanted === "auto" && /^\s*[{[]/.test(text)))) {
    const value = parsed(text);
    if (value !== undefined) return { format: "json", data: value.json, ...rest };
  }
  return { format: "text", data: text, ...rest };
}

function decoded(bytes: Uint8Array, isCut: boolean): string | null {
  try {
    return utf8.decode(bytes);
  } catch {
    // The cut may have gone through a character.
    if (!isCut) return null;
    const text = loose.decode(bytes);
    return text.indexOf("\ufffd") >= text.length - 1 ? text.slice(0, -1) : null;
  }
}

function parsed(text: string): { readonly json: unknown } | undefined {
  if (LONG_NUMBER.test(text)) return undefined;
  try {
    return { json: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}

const data = "What `format` says it is";

const written = <F extends Format>(format: F, how: string) => z.literal(format).openapi({ description: how, examples: [format] });

/** What a writer gives. */
export const GivenPayload = z.union([
  z.string(),
  z.discriminatedUnion("format", [
    z.strictObject({ format: written("text", "The bytes are UTF-8"), data: z.string().openapi({ description: data, examples: ["paid"] }) }),
    z.strictObject({
      format: written("hex", "The bytes are pairs of hexadecimal digits"),
      data: z.string().regex(/^([0-9a-fA-F]{2})*$/, "pairs of hexadecimal digits").openapi({ description: data, examples: ["00ff"] }),
    }),
    z.strictObject({
      format: written("base64", "The bytes are base64 with its padding"),
      data: z.string().refine((text) => fromBase64(text) !== null, "base64 with its padding").openapi({
        description: data,
        pattern: "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$",
        examples: ["cGFpZAo="],
      }),
    }),
    z.strictObject({
      format: written("json", "The bytes are a JSON text in UTF-8"),
      data: z.unknown().refine((value) => value !== undefined, "a JSON value").openapi({ description: data, examples: [{ id: 7 }] }),
    }),
  ]),
  z.null(),
]).openapi("GivenPayload", { description: "Text, null, or an object that says how it is written" });

export function fromPayload(given: z.output<typeof GivenPayload> | undefined): Uint8Array | null {
  if (given === null || given === undefined) return null;
  if (typeof given === "string") return new TextEncoder().encode(given);
  switch (given.format) {
    case "text":
      return new TextEncoder().encode(given.data);
    case "json":
      return new TextEncoder().encode(JSON.stringify(given.data));
    case "hex":
      return Uint8Array.fromHex(given.data);
    case "base64":
      return fromBase64(given.data) ?? new Uint8Array();
  }
}

function fromBase64(text: string): Uint8Array | null {
  try {
    return Uint8Array.fromBase64(text, { lastChunkHandling: "strict" });
  } catch {
    return null;
  }
}
