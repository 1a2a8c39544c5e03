/** One connection to an embedded broker that speaks whole requests, in the newest version of each API. */
import type { Broker } from "../../mod.ts";
import type { Io } from "../../lib/io/mod.ts";
import { createRealIo } from "../../lib/io/real/mod.ts";
import { type Api, decodeResponse, encodeRequest, Writer } from "../../lib/protocol/mod.ts";
import { RawClient } from "../broker/harness.ts";

export class TestClient implements Disposable {
  readonly raw: RawClient;
  #sent = 0;

  readonly #io: Io;

  private constructor(raw: RawClient, io: Io) {
    this.raw = raw;
    this.#io = io;
  }

  static async connect({ address }: Pick<Broker, "address">): Promise<TestClient> {
    const io = createRealIo({
      onFatal: (_code, why) => {
        throw new Error(why);
      },
    });
    return new TestClient(await RawClient.connect(io, address.port), io);
  }

  /** Rejects when the connection closes before the answer came. */
  async call<Draft, Read>(api: Api<unknown, never, Draft, Read>, request: Draft, apiVersion: number = api.maxVersion): Promise<Read> {
    const correlationId = this.#sent++;
    this.raw.send(...encodeRequest(api, { apiVersion, correlationId, clientId: "test" }, request, new Writer()));
    const frame = (await this.raw.receive(correlationId + 1))[correlationId];
    if (frame === undefined) throw new Error(`No answer to ${api.name}: the connection is closed`);
    return decodeResponse(api, apiVersion, correlationId, frame);
  }

  [Symbol.dispose](): void {
    this.raw.close();
    this.#io.deadlines.rest();
  }
}
