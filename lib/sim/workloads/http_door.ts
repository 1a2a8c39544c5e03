/**
 * The broker's HTTP door as a careful program uses it: every request has a time, a request whose answer got lost is sent again (POST and PATCH with their
 * idempotency key), and nothing is taken for refused that may have been done.
 */
import { DeadlineExceeded, IoFailed } from "../../io/mod.ts";
import type { Told } from "../history.ts";
import type { Client } from "./client.ts";
import { knob } from "./knobs.ts";

const BASE = "http://node1:9644";
const TRIES_MAX = 5;
const PAUSE_MS = 100;
/** The request under this key is still in work. */
const KEY_IN_USE = "/v1/docs#problem-key-in-use";

// deno-lint-ignore no-explicit-any -- what an answer holds, its operation says
type Body = any;

export interface Answer {
  readonly status: number;
  readonly body: Body;
  /** It is that of an earlier request with the same key. */
  readonly isReplayed: boolean;
}

/** What became of one request, with all its repeats. */
export interface Outcome {
  readonly told: Told;
  /** The last answer; null without any. */
  readonly answer: Answer | null;
  /** It was done once, whatever got lost: it was sent once, or its second try was answered with the answer to the first. Who restarts forgets keys. */
  readonly isOnce: boolean;
  /** A try whose answer got lost, and which has no key, may still be on its way. */
  readonly mayComeLate: boolean;
}

export interface Ask {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** With its query. */
  readonly path: string;
  readonly body?: object;
}

export class HttpDoor {
  readonly #client: Client;
  #keys = 0;

  constructor(client: Client) {
    this.#client = client;
  }

  /** Unique in the run. */
  newKey(): string {
    return `${this.#client.name}-${++this.#keys}`;
  }

  /** One try. @returns null when nobody knows what became of it, `refused` when it never got there. */
  async ask({ method, path, body }: Ask, key: string | null = null): Promise<Answer | "refused" | null> {
    const { context, io, machine } = this.#client;
    const timeoutMs = knob(context, "requestTimeoutMs");
    const url = `${BASE}${path}${path.includes("?") ? "&" : "?"}timeoutMs=${timeoutMs}`;
    const headers = { "content-type": "application/json", ...(key !== null && { "idempotency-key": key }) };
    const request = new Request(url, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) });
    try {
      const answering = context.http(machine, request);
      const response = await io.deadlines.guard(io.deadlines.in(`${method} ${path}`, timeoutMs), "node1", answering);
      return { status: response.status, body: await response.json(), isReplayed: response.headers.get("idempotency-replayed") === "true" };
    } catch (error) {
      if (error instanceof IoFailed) return error.code === "ECONNREFUSED" ? "refused" : null;
      if (error instanceof DeadlineExceeded) return null;
      throw error;
    }
  }

  /** What is there, in one try. */
  async get(path: string): Promise<Answer | null> {
    const answer = await this.ask({ method: "GET", path });
    return answer === "refused" ? null : answer;
  }

  /** Until it is known what became of it, or for some tries. @param key of a request that is no repeat of another one. */
  async change(ask: Ask, key = this.newKey()): Promise<Outcome> {
    const takesKey = ask.method === "POST" || ask.method === "PATCH";
    let lost = 0;
    let answer: Answer | null = null;
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      if (tries > 0) await this.#client.sleep(PAUSE_MS);
      const given = await this.ask(ask, takesKey ? key : null);
      if (given === "refused") continue;
      if (given === null) lost++;
      else if (given.body?.type !== KEY_IN_USE) {
        answer = given;
        break;
      }
    }
    const told = answer === null ? "failed" : toldBy(answer);
    // What was refused now may have been done before; what was never sent was not.
    return {
      told: told === "failed" && lost > 0 ? "unknown" : told,
      answer,
      isOnce: lost === 0 || (lost === 1 && answer?.isReplayed === true),
      mayComeLate: lost > 0 && !takesKey,
    };
  }
}

/** 503: not done, says the document; the others above 500: nobody knows. */
function toldBy({ status }: Answer): Told {
  if (status < 300) return "ok";
  return status < 500 || status === 503 ? "failed" : "unknown";
}
