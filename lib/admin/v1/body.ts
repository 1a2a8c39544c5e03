/** What a body must be before anybody looks into it: JSON, in UTF-8, of bounded size. Checks no field. */
import type { MiddlewareHandler } from "hono";
import { problem } from "../problem.ts";

/** HAZARDS S3. The listener itself drops connections with much larger ones. */
export const BODY_BYTES_MAX = 1024 * 1024;

const JSON_TYPE = /^application\/json\s*(?:;\s*charset\s*=\s*"?utf-?8"?\s*)?$/i;

/** For operations that take a body. Leaves it read in the request. */
export const jsonBody: MiddlewareHandler = async ({ req }, next) => {
  const type = req.header("content-type") ?? "";
  if (!JSON_TYPE.test(type)) {
    return problem(
      "unsupported-media-type",
      `Send the body as "content-type: application/json"${type === "" ? ": there is none" : `, not "${type.slice(0, 100)}"`}`,
    );
  }
  if (Number(req.header("content-length") ?? 0) > BODY_BYTES_MAX) return tooLarge();
  const text = await req.text();
  if (text.length > BODY_BYTES_MAX || new TextEncoder().encode(text).byteLength > BODY_BYTES_MAX) return tooLarge();
  try {
    JSON.parse(text);
  } catch (error) {
    const why = text === "" ? "it is empty" : error instanceof Error ? error.message : String(error);
    return problem("invalid-json", `Cannot read the body as JSON: ${why}`, {
      errors: [{ in: "body", path: "", accepted: "a JSON document", got: text.slice(0, 100) }],
    });
  }
  return await next();
};

/** For operations that take none: one that was sent would be ignored, and whoever sent it would not know. */
export const noBody: MiddlewareHandler = async ({ req }, next) => {
  if (Number(req.header("content-length") ?? 0) === 0 && req.header("transfer-encoding") === undefined) return await next();
  return problem("invalid-request", "This operation takes no body: use the query, see /v1/docs", {
    errors: [{ in: "body", path: "", accepted: "absent", got: "a body" }],
  });
};

const tooLarge = () => problem("body-too-large", `Send at most ${BODY_BYTES_MAX} bytes in one body: split what you send`);
