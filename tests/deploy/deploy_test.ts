/** What `deploy/` and the Dockerfile say, held against what `serve` takes and what the node answers. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Broker } from "../../mod.ts";

/** Each test starts processes; a busy machine takes its time. */
setDefaultTimeout(60_000);

const root = resolve(import.meta.dir, "../..");
const text = (path: string) => readFile(join(root, path), "utf8");

let folder = "";
/** The entry script finds `barnabas` by PATH: here it is the sources. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "barnabas-deploy-"));
  const path = join(folder, "barnabas");
  await writeFile(path, `#!/bin/sh\nexec "${process.execPath}" "${join(root, "main.ts")}" "$@"\n`);
  await chmod(path, 0o755);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function entry(words: readonly string[], env: Readonly<Record<string, string>>) {
  const child = Bun.spawn([join(root, "deploy/docker/run"), ...words], {
    cwd: folder,
    env: { PATH: `${folder}:${process.env["PATH"]}`, ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, error, code] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited]);
  return { out, error, code, has: (setting: string) => out.split("\n").some((line) => line.startsWith(`  ${setting} `)) };
}

describe("deploy/docker/run", () => {
  test("starts with nothing but the defaults of the image", async () => {
    const checked = await entry(["--check"], {});
    expect(checked).toMatchObject({ error: "", code: 0 });
    for (const setting of ["listeners=PLAINTEXT://:9092", "advertised.host.name=localhost", "log.dirs=/var/lib/barnabas/data"]) {
      expect([setting, checked.has(setting)]).toEqual([setting, true]);
    }
  });
  test("takes flags, NAME=value words, and a command to run instead", async () => {
    expect((await entry(["--advertise", "kafka.example:9092", "KAFKA_NODE_ID=7", "--check"], {})).has("node.id=7")).toBe(true);
    expect((await entry(["--set", "num.partitions=3", "--check"], {})).has("num.partitions=3")).toBe(true);
    expect((await entry(["barnabas", "version"], {})).out).toStartWith("barnabas ");
    expect((await entry(["sh", "-c", "echo $0 $1", "a b"], {})).out).toBe("a b\n");
    expect((await entry(["--check", "--set", "num.partitions=0"], {})).code).toBe(78);
  });
  test("listens on all interfaces for what is only advertised, as Kafka's image does", async () => {
    const env = { KAFKA_ADVERTISED_LISTENERS: "A://kafka.example:9092,B://[fd00::1]:9093" };
    expect((await entry(["--check"], env)).has("listeners=A://0.0.0.0:9092,B://0.0.0.0:9093")).toBe(true);
    const both = await entry(["--check"], { ...env, KAFKA_LISTENERS: "A://:1,B://:2" });
    expect(both.has("listeners=A://:1,B://:2")).toBe(true);
  });
});

describe("the Dockerfile", () => {
  test("ends in an image of one executable and its entry, that is not root and checks its health", async () => {
    const stage = (await text("Dockerfile")).split(/^FROM /m).at(-1)!.replaceAll(/\\\n\s*/g, "");
    const lines = stage.split("\n").filter((line) => /^[A-Z]+ /.test(line)).map((line) =>
      [line.split(" ")[0]!, line.slice(line.indexOf(" ") + 1)] as const
    );
    const all = (word: string) => lines.filter(([name]) => name === word).map(([, rest]) => rest);
    expect(all("COPY").map((rest) => rest.split(" ").at(-1))).toEqual(["/usr/local/bin/barnabas", "/etc/kafka/docker/run"]);
    expect(all("USER")).toEqual(["10001:10001"]);
    expect(all("VOLUME")).toEqual(["/var/lib/barnabas"]);
    expect(all("ENTRYPOINT")).toEqual(['["/etc/kafka/docker/run"]']);
    expect(all("HEALTHCHECK")[0]).toEndWith('CMD ["barnabas", "health"]');
    expect((await stat(join(root, "deploy/docker/run"))).mode & 0o111).toBe(0o111);
  });
});

interface ComposeService {
  readonly environment: Readonly<Record<string, string>>;
  readonly ports: readonly string[];
  readonly tmpfs: readonly string[];
  readonly read_only: boolean;
}

describe("deploy/compose.yaml", () => {
  test("has an environment that the entry takes, and publishes to this machine only", async () => {
    const file = Bun.YAML.parse(await text("deploy/compose.yaml")) as { readonly services: { readonly kafka: ComposeService } };
    const { environment, ports, read_only, tmpfs } = file.services.kafka;
    const checked = await entry(["--check"], environment);
    expect(checked).toMatchObject({ error: "", code: 0 });
    expect(checked.out).not.toContain("Ignored");
    expect(ports.filter((port) => !port.startsWith("127.0.0.1:"))).toEqual([]);
    expect([read_only, tmpfs[0]!.startsWith("/tmp:exec")]).toEqual([true, true]);
  });
});

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}
interface Container {
  readonly env: readonly {
    readonly name: string;
    readonly value?: string;
    readonly valueFrom?: { readonly fieldRef: { readonly fieldPath: string } };
  }[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly livenessProbe: Probe;
  readonly readinessProbe: Probe;
  readonly securityContext: unknown;
  readonly resources: { readonly limits: { readonly memory: string } };
  readonly volumeMounts: readonly { readonly mountPath: string }[];
}
interface StatefulSet {
  readonly spec: {
    readonly serviceName: string;
    readonly replicas: number;
    readonly template: {
      readonly spec: {
        readonly enableServiceLinks: boolean;
        readonly terminationGracePeriodSeconds: number;
        readonly securityContext: unknown;
        readonly containers: readonly [Container];
      };
    };
  };
}
interface Service {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly ports: readonly { readonly targetPort: string }[] };
}

describe("deploy/kubernetes.yaml", () => {
  const parsed = async () => {
    const [service, set] = Bun.YAML.parse(await text("deploy/kubernetes.yaml")) as [Service, StatefulSet];
    return { service, set, pod: set.spec.template.spec, container: set.spec.template.spec.containers[0] };
  };

  test("has an environment that the entry takes, and ports that are the settings'", async () => {
    const { service, set, container } = await parsed();
    const fields: Readonly<Record<string, string>> = { "metadata.name": "barnabas-0", "metadata.namespace": "messages" };
    const env: Record<string, string> = {};
    for (const { name, value, valueFrom } of container.env) {
      env[name] = (value ?? fields[valueFrom!.fieldRef.fieldPath]!).replace(/\$\((\w+)\)/g, (_, other: string) => env[other]!);
    }
    expect(set.spec.serviceName).toBe(service.metadata.name);
    expect(env["BARNABAS_ADVERTISED_LISTENERS"]).toBe(`PLAINTEXT://barnabas-0.${service.metadata.name}.messages.svc:9092`);
    const checked = await entry(["--check"], env);
    expect(checked).toMatchObject({ error: "", code: 0 });
    for (const word of ["Ignored", "Notes", "Warnings"]) expect(checked.out).not.toContain(word);
    const port = (name: string) => container.ports.find((one) => one.name === name)?.containerPort;
    expect(env["BARNABAS_LISTENERS"]).toEndWith(`:${port("kafka")}`);
    expect(env["BARNABAS_ADMIN_LISTENER"]).toEndWith(`:${port("admin")}`);
    expect(service.spec.ports.map(({ targetPort }) => port(targetPort))).not.toContain(undefined);
  });

  test("asks routes that there are, as the kubelet does", async () => {
    const { container } = await parsed();
    await using broker = await Broker.start({ storage: "memory", admin: "127.0.0.1:0" });
    for (const { httpGet } of [container.livenessProbe, container.readinessProbe]) {
      const { host, port } = broker.adminAddress!;
      expect((await fetch(`http://${host}:${port}${httpGet.path}`, { headers: { "user-agent": "kube-probe/1.31" } })).status).toBe(200);
      expect(httpGet.port).toBe("admin");
    }
  });

  test("is hardened", async () => {
    const { pod, container } = await parsed();
    expect(pod).toMatchObject({
      enableServiceLinks: false,
      securityContext: { runAsNonRoot: true, runAsUser: 10001, fsGroup: 10001, seccompProfile: { type: "RuntimeDefault" } },
    });
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
    expect(container.resources.limits.memory).toBe("512Mi");
    expect(container.volumeMounts.map(({ mountPath }) => mountPath)).toEqual(["/var/lib/barnabas", "/tmp"]);
    // The delay before the end, ten seconds for the end itself, and some.
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(5 + 10);
  });
});

describe("deploy/barnabas.service", () => {
  test("starts with flags that there are", async () => {
    const [, ...words] = /^ExecStart=(.+)$/m.exec(await text("deploy/barnabas.service"))![1]!.split(" ");
    await writeFile(join(folder, "server.properties"), "num.partitions=3\n");
    const given = words.map((word) => word === "/etc/barnabas/server.properties" ? join(folder, "server.properties") : word);
    expect((await entry(["barnabas", ...given, "--check"], {})).code).toBe(0);
  });
});
