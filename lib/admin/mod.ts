/**
 * Door of `admin`: the HTTP side of a node. It answers from the first moment of a start, so that a long recovery is not taken for a dead
 * process; what needs the node is there when the node is. Hono and its company are loaded then, because they are large and nobody waits for them.
 */
import type { KafkaServer, Readiness, Services } from "../broker/mod.ts";
import type { Address, Deadline, Io } from "../io/mod.ts";
import { type ProcessMeter, processMeter } from "../io/real/process.ts";
import type { LogRing } from "../telemetry/mod.ts";
import { DiskSpace } from "./metrics/disk_space.ts";
import { problem } from "./problem.ts";

export type { ProcessMeter };

export interface AdminNeeds {
  readonly services: Services;
  readonly server: KafkaServer;
  readonly readiness: Readiness;
  /** The last lines of the log; null where nobody keeps them. */
  readonly logs: LogRing | null;
}

/** What routes may use. */
export interface AdminContext extends AdminNeeds {
  /** The host that the HTTP side listens on. */
  readonly boundTo: string;
  readonly meter: ProcessMeter;
  readonly disk: DiskSpace;
}

export interface AdminNode {
  readonly address: Address;
  /** The node is built: from now on everything is served. */
  serve(needs: AdminNeeds): void;
  close(): void;
}

/**
 * @param meter what is told of the process; closed with the listener.
 * @throws {IoFailed} when the address cannot be had.
 */
export async function openAdmin(io: Io, address: Address, deadline: Deadline, meter: ProcessMeter = processMeter()): Promise<AdminNode> {
  let app: Promise<{ fetch(request: Request, env: object): Response | Promise<Response> }> | null = null;
  try {
    const listener = await io.net.listenHttp(
      address,
      async (request, remote) => app === null ? starting(request) : (await app).fetch(request, { remote }),
      deadline,
    );
    return {
      address: listener.address,
      serve(needs) {
        app = import("./app.ts").then(({ adminApp }) =>
          adminApp({ ...needs, boundTo: address.host, meter, disk: new DiskSpace(needs.services.storage, io.deadlines) })
        );
      },
      close() {
        listener.close();
        meter.close();
      },
    };
  } catch (error) {
    meter.close();
    throw error;
  }
}

/** Loads now what the first requests load: where time stands still meanwhile, it would never come. */
export async function loadAdmin(): Promise<void> {
  await Promise.all([import("./app.ts"), import("./v1/app.ts")]);
}

/** While the node recovers: it lives, and is not ready. */
function starting(request: Request): Response {
  const reason = "The node is starting: it recovers what is on its disk";
  const { pathname } = new URL(request.url);
  if (pathname === "/livez") return Response.json({ status: "ok" });
  if (pathname === "/readyz") return Response.json({ status: "unavailable", reasons: [reason] }, { status: 503 });
  return problem("starting", `${reason}; ask again when "/readyz" says that it is ready`, { headers: { "retry-after": "1" } });
}
