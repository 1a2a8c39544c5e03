/** A client that asks anything that the schemas can say, in any version, and decodes what comes back. One request at a time. */
import type { Address } from "../../lib/io/mod.ts";
import { createRealIo } from "../../lib/io/real/mod.ts";
import { decodeResponse, encodeRequest, type Message, Writer } from "../../lib/protocol/mod.ts";
import { RawClient } from "../broker/harness.ts";

const io = createRealIo({
  onFatal: (_code, why) => {
    throw new Error(why);
  },
});

/** What is needed of an API to ask and to read the answer. */
interface Askable<Draft, Read> {
  readonly name: string;
  readonly key: number;
  readonly flexibleSince: number | null;
  readonly request: Message<unknown, Draft>;
  readonly response: Message<Read, never>;
}

export class KafkaClient implements Disposable {
  #raw: RawClient;
  #correlationId = 0;

  private constructor(raw: RawClient) {
    this.#raw = raw;
  }

  static async connect({ port }: Address): Promise<KafkaClient> {
    return new KafkaClient(await RawClient.connect(io, port));
  }

  get isClosed(): boolean {
    return this.#raw.isClosed;
  }

  send<Draft>(api: Askable<Draft, unknown>, version: number, request: NoInfer<Draft>): void {
    const header = { apiVersion: version, correlationId: ++this.#correlationId, clientId: "tests" };
    this.#raw.send(...encodeRequest(api, header, request, new Writer()).map((chunk) => chunk.slice()));
  }

  /** The answer to the last request; null when the broker closed the connection instead. */
  async answer<Read>(api: Askable<never, Read>, version: number): Promise<Read | null> {
    const [frame] = await this.#raw.receive(1);
    if (frame === undefined) return null;
    this.#raw.frames.shift();
    return decodeResponse(api, version, this.#correlationId, frame);
  }

  async ask<Draft, Read>(api: Askable<Draft, Read>, version: number, request: NoInfer<Draft>): Promise<Read> {
    this.send(api, version, request);
    const answer = await this.answer(api, version);
    if (answer === null) throw new Error(`The broker closed the connection on ${api.name} v${version}`);
    return answer;
  }

  [Symbol.dispose](): void {
    this.#raw.close();
  }
}
