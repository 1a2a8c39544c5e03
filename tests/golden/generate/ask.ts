/** One request at a time to a broker, for the programs here. */
import { connect } from "node:net";
import { decodeResponse, encodeRequest, Writer } from "../../../lib/protocol/mod.ts";

// deno-lint-ignore no-explicit-any
export type Ask = (api: any, apiVersion: number, request: object) => Promise<any>;

export function broker(address: string): { readonly ask: Ask; readonly close: () => void } {
  const [host, port] = address.split(":") as [string, string];
  const socket = connect(Number(port), host);
  let received = Buffer.alloc(0);
  let wanted: ((frame: Uint8Array | null) => void) | null = null;
  socket.on("data", (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    const size = received.length >= 4 ? received.readInt32BE(0) + 4 : Infinity;
    if (received.length < size) return;
    const frame = new Uint8Array(received.subarray(4, size));
    received = received.subarray(size);
    wanted?.(frame);
  });
  socket.on("close", () => wanted?.(null));
  let correlationId = 0;
  return {
    ask: async (api, apiVersion, request) => {
      const header = { apiVersion, correlationId: ++correlationId, clientId: "golden" };
      for (const chunk of encodeRequest(api, header, request as never, new Writer())) socket.write(chunk);
      const frame = await new Promise<Uint8Array | null>((resolve) => (wanted = resolve));
      if (frame === null) throw new Error("The broker closed the connection");
      return decodeResponse(api, apiVersion, correlationId, frame);
    },
    close: () => socket.destroy(),
  };
}
