/** Door of `admin`: the HTTP side of a node. Binds late, because Hono and its company are large and nobody waits for them at start. */
import type { KafkaServer, Services } from "../broker/mod.ts";
import type { Address, Deadline } from "../io/mod.ts";
import { type ResidentMeter, residentMeter } from "../io/real/process.ts";

export interface AdminNeeds {
  readonly services: Services;
  readonly server: KafkaServer;
  /** Whether the Kafka side serves. */
  readonly isReady: () => boolean;
}

/** What routes may use. */
export interface AdminContext extends AdminNeeds {
  readonly resident: ResidentMeter;
}

export interface AdminNode {
  readonly address: Address;
  close(): void;
}

/** @throws {IoFailed} when the address cannot be had. */
export async function startAdmin(needs: AdminNeeds, address: Address, deadline: Deadline): Promise<AdminNode> {
  const resident = residentMeter();
  const app = import("./app.ts").then(({ adminApp }) => adminApp({ ...needs, resident }));
  try {
    const listener = await needs.services.io.net.listenHttp(
      address,
      async (request, remote) => (await app).fetch(request, { remote }),
      deadline,
    );
    return {
      address: listener.address,
      close() {
        listener.close();
        resident.close();
      },
    };
  } catch (error) {
    resident.close();
    throw error;
  }
}
