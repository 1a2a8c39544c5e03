/**
 * `Idempotency-Key`: a write that came before under the same key is not done again, its answer is told again. In memory, bounded by count,
 * bytes and age; after a restart or beyond the bounds a key is new. Source: the IETF draft "The Idempotency-Key HTTP Header Field".
 * - The same key with another request is 422, while the first is in work 409.
 * - What was refused was not done, so its key may come again with a better request. An unknown outcome (504, 500) is kept.
 */
import type { MiddlewareHandler } from "hono";
import type { Clock } from "../../io/mod.ts";
import { problem } from "../problem.ts";

export const KEY_CHARACTERS_MAX = 200;
const KEY = /^[\x21-\x7e]{1,200}$/;
const KEYS_MAX = 1_000;
const KEPT_BYTES_MAX = 8 * 1024 * 1024;
const KEPT_MS = 10 * 60_000;

interface Kept {
  /** Of the request: path with query, and body. */
  readonly fingerprint: string;
  readonly keptAt: number;
  /** Null while the request is in work. */
  answer: { readonly status: number; readonly headers: Headers; readonly body: string } | null;
  bytes: number;
}

export class IdempotencyKeys {
  readonly #clock: Clock;
  /** The oldest first. */
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Goes behind the check of the body and before everything that is done. */
  readonly middleware: MiddlewareHandler = async (context, next) => {
    const { req } = context;
    const key = req.header("idempotency-key");
    if (key === undefined) return await next();
    if (!KEY.test(key)) {
      return problem("invalid-request", `Header "Idempotency-Key" must be 1 to ${KEY_CHARACTERS_MAX} visible ASCII characters`, {
        errors: [{
          in: "header",
          path: "Idempotency-Key",
          accepted: `1 to ${KEY_CHARACTERS_MAX} visible ASCII characters`,
          got: JSON.stringify(key.slice(0, 100)),
        }],
      });
    }
    const url = new URL(req.url);
    const fingerprint = `${req.method} ${url.pathname}${url.search}\n${await req.text()}`;
    this.#forgetOld();
    const known = this.#kept.get(key);
    if (known !== undefined) {
      if (known.fingerprint !== fingerprint) {
        return problem("key-reused", "This Idempotency-Key came before with another request: take a new key for a new request");
      }
      if (known.answer === null) {
        return problem("key-in-use", "The request with this Idempotency-Key is still in work: ask again a little later", {
          headers: { "retry-after": "1" },
        });
      }
      const { status, headers, body } = known.answer;
      const again = new Headers(headers);
      again.set("idempotency-replayed", "true");
      return new Response(body, { status, headers: again });
    }
    const entry: Kept = { fingerprint, keptAt: this.#clock.mono(), answer: null, bytes: key.length + fingerprint.length };
    this.#kept.set(key, entry);
    this.#bytes += entry.bytes;
    let isKept = false;
    try {
      await next();
      isKept = await this.#keep(key, entry, context.res);
    } finally {
      if (!isKept) this.#forget(key, entry);
    }
  };

  async #keep(key: string, entry: Kept, reply: Response): Promise<boolean> {
    const wasDone = reply.ok || (reply.status >= 500 && reply.status !== 503);
    if (!wasDone || this.#kept.get(key) !== entry) return false;
    const body = await reply.clone().text();
    entry.answer = { status: reply.status, headers: new Headers(reply.headers), body };
    entry.bytes += body.length;
    this.#bytes += body.length;
    this.#forgetOld();
    return true;
  }

  #forgetOld(): void {
    const oldest = this.#clock.mono() - KEPT_MS;
    for (const [key, entry] of this.#kept) {
      if (entry.keptAt > oldest && this.#kept.size <= KEYS_MAX && this.#bytes <= KEPT_BYTES_MAX) return;
      // Those in work are bounded by their own deadlines.
      if (entry.answer !== null) this.#forget(key, entry);
    }
  }

  #forget(key: string, entry: Kept): void {
    if (this.#kept.get(key) !== entry) return;
    this.#kept.delete(key);
    this.#bytes -= entry.bytes;
  }
}
