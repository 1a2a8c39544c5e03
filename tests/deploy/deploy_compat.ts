/**
 * The image without a container engine: the last stage of the Dockerfile carried out in a bare Debian root, and run there as its user, in
 * its own mounts and processes: once as Testcontainers runs the image of Apache Kafka, once on a read-only root as Kubernetes would. Clients
 * talk to it from outside. Needs root, unshare, debootstrap and a mirror of Debian; says why it skips. Run it by name: it takes a minute.
 */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { chmod, copyFile, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { homedir, tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { Admin, Consumer, Producer } from "../../mod.ts";

setDefaultTimeout(300_000);

const project = resolve(import.meta.dir, "../..");
/** Made once for a machine. */
const CACHE = process.env["BARNABAS_COMPAT_CACHE"] ?? join(homedir(), ".cache", "barnabas-compat");
const DEBIAN = join(CACHE, "debian-bookworm");
const INCLUDE = "bash";

function run(command: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...command], { env: { ...process.env, ...env }, stdout: "pipe", stderr: "pipe" });
  return { code: exitCode, out: stdout.toString(), error: stderr.toString() };
}

/** Why this machine cannot show it; null when it can. */
function obstacle(): string | null {
  if (process.getuid?.() !== 0) return "only root can make and enter another root";
  if (!existsSync(join(project, "dist/barnabas"))) return "there is no executable, run npm run build";
  const unshared = run(["unshare", "--mount", "--pid", "--fork", "mount", "-t", "tmpfs", "tmpfs", tmpdir()]);
  if (unshared.code !== 0) return `unshare is not allowed here: ${unshared.error.trim()}`;
  if (existsSync(DEBIAN)) return null;
  if (Bun.which("debootstrap") === null) {
    run(["apt-get", "update", "-qq"]);
    const installed = run(["apt-get", "install", "-y", "-qq", "debootstrap"], { DEBIAN_FRONTEND: "noninteractive" });
    if (installed.code !== 0) return `debootstrap cannot be installed: ${installed.error.trim().split("\n").at(-1)}`;
  }
  const part = `${DEBIAN}.${process.pid}`;
  run(["mkdir", "-p", CACHE]);
  const made = run(["debootstrap", "--variant=minbase", `--include=${INCLUDE}`, "bookworm", part]);
  if (made.code !== 0) {
    run(["rm", "-rf", part]);
    return `debootstrap failed: ${made.out.trim().split("\n").at(-1)}`;
  }
  if (run(["mv", "-T", part, DEBIAN]).code !== 0) run(["rm", "-rf", part]);
  return null;
}

const why = obstacle();
if (why !== null) console.log(`the image in a bare Debian root: skipped: ${why}`);

interface Image {
  readonly root: string;
  readonly user: string;
  readonly directory: string;
  readonly health: readonly string[];
  readonly entrypoint: readonly string[];
}

/** Carries out the last stage of the Dockerfile, line by line. */
async function build(root: string): Promise<Image> {
  const stage = (await readFile(join(project, "Dockerfile"), "utf8")).split(/^FROM /m).at(-1)!.replaceAll(/\\\n\s*/g, "");
  const image = { root, user: "0:0", directory: "/", health: [] as string[], entrypoint: [] as string[] };
  for (const line of stage.split("\n").slice(1)) {
    const [, word, rest = ""] = /^([A-Z]+) (.*)$/.exec(line) ?? [];
    if (word === "RUN") expect(run(["chroot", root, "sh", "-ec", rest])).toMatchObject({ code: 0 });
    else if (word === "COPY") {
      const [from = "", to = ""] = rest.split(" ").filter((part) => !part.startsWith("--"));
      await mkdir(dirname(join(root, to)), { recursive: true });
      await copyFile(join(project, from.replace(/^\/src\//, "")), join(root, to));
      await chmod(join(root, to), 0o755);
    } else if (word === "USER") image.user = rest;
    else if (word === "WORKDIR") image.directory = rest;
    else if (word === "ENTRYPOINT") image.entrypoint = JSON.parse(rest);
    else if (word === "HEALTHCHECK") image.health = JSON.parse(rest.slice(rest.indexOf("CMD ") + 4));
  }
  return image;
}

/** Free on this machine a moment ago. */
async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () =>
    new Promise<ReturnType<typeof createServer>>((resolve) => {
      const server = createServer().listen(0, "127.0.0.1", () => resolve(server));
    })));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

interface Running {
  readonly ended: Promise<{ readonly code: number; readonly error: string }>;
  /** Resolves with what was said so far when that has the text. */
  until(text: string): Promise<string>;
  /** Runs something beside it, as `docker exec` does. */
  exec(command: readonly string[]): { readonly code: number; readonly out: string; readonly error: string };
  /** As `docker stop`, or `docker kill`; its exit code. */
  stop(signal?: "SIGKILL"): Promise<number>;
}

const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** @param mounts shell commands in the new mount namespace, `$R` is the root. */
function start(image: Image, command: readonly string[], env: Readonly<Record<string, string>>, mounts: string): Running {
  const variables = Object.entries({ PATH, HOSTNAME: "kafka", ...env }).map(([name, value]) => `${name}=${value}`);
  const inside = ["env", "-i", ...variables, "sh", "-c", `cd ${image.directory} && exec "$@"`, "sh", ...image.entrypoint, ...command];
  const script = `mount --bind "$R" "$R" && mount -t proc proc "$R/proc" && ${mounts} exec chroot --userspec=${image.user} "$R" "$@"`;
  const child = Bun.spawn(["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-ec", script, "sh", ...inside], {
    env: { PATH, R: image.root },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const errors = new Response(child.stderr).text();
  let said = "";
  const lines = child.stdout[Symbol.asyncIterator]();
  const decoder = new TextDecoder();
  /** Of the first process in the new namespace: the second one of the two that `unshare` is. */
  const first = async () => (await readFile(`/proc/${child.pid}/task/${child.pid}/children`, "utf8")).trim().split(" ")[0]!;
  return {
    ended: child.exited.then(async (code) => ({ code, error: await errors })),
    async until(text) {
      while (!said.includes(text)) {
        const { done, value } = await lines.next();
        if (done) throw new Error(`ended before it said "${text}": ${said}${await errors}`);
        said += decoder.decode(value, { stream: true });
      }
      return said;
    },
    exec(words) {
      const pid = run(["cat", `/proc/${child.pid}/task/${child.pid}/children`]).out.trim();
      const [uid, gid] = image.user.split(":");
      return run([
        ...[
          "nsenter",
          `--target=${pid}`,
          "--mount",
          "--pid",
          `--root=/proc/${pid}/root`,
          `--wd=/proc/${pid}/root`,
          `--setuid=${uid}`,
          `--setgid=${gid}`,
        ],
        ...["env", "-i", `PATH=${PATH}`, ...Object.entries(env).map(([name, value]) => `${name}=${value}`), ...words],
      ]);
    },
    async stop(signal) {
      process.kill(Number(await first()), signal ?? "SIGTERM");
      return await child.exited;
    },
  };
}

describe.skipIf(why !== null)("the image in a bare Debian root", () => {
  let folder = "";
  let image: Image;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "barnabas-image-"));
    const root = join(folder, "root");
    expect(run(["cp", "-a", "--reflink=auto", DEBIAN, root])).toMatchObject({ code: 0 });
    image = await build(root);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** Records through clients outside: ours, and librdkafka's where it is installed. */
  async function roundTrip(bootstrapServers: string): Promise<void> {
    await using admin = await Admin.connect({ bootstrapServers });
    await admin.createTopics([{ name: "orders", partitions: 2 }]);
    await using producer = await Producer.connect({ bootstrapServers });
    await producer.send({ topic: "orders", key: "a", value: "first" });
    await using consumer = await Consumer.connect({ bootstrapServers, groupId: "readers", autoOffsetReset: "earliest" });
    consumer.subscribe(["orders"]);
    for await (const { value } of consumer) {
      expect(new TextDecoder().decode(value!)).toBe("first");
      break;
    }
    if (Bun.which("kcat") === null) return;
    const read = run(["kcat", "-b", bootstrapServers, "-C", "-t", "orders", "-e", "-o", "beginning", "-f", "%k=%s\n", "-q"]);
    expect(read).toMatchObject({ code: 0, out: "a=first\n" });
  }

  test("runs as Testcontainers runs Apache Kafka's", async () => {
    const [kafka, broker, controller, admin] = await freePorts(4);
    const script = "/tmp/testcontainers_start.sh";
    const ready = "/tmp/testcontainers_start.ready";
    const node = start(image, ["sh", "-c", `while [ ! -f ${ready} ]; do sleep 0.1; done; ${script}`], {
      CLUSTER_ID: "4L6g3nShT-eMCtK--X86sw",
      KAFKA_LISTENERS: `PLAINTEXT://127.0.0.1:${kafka},BROKER://127.0.0.1:${broker},CONTROLLER://:${controller}`,
      KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: "BROKER:PLAINTEXT,PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
      KAFKA_INTER_BROKER_LISTENER_NAME: "BROKER",
      KAFKA_PROCESS_ROLES: "broker,controller",
      KAFKA_CONTROLLER_LISTENER_NAMES: "CONTROLLER",
      KAFKA_NODE_ID: "1",
      KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: "1",
      KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS: "1",
      KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: "1",
      KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: "1",
      KAFKA_LOG_FLUSH_INTERVAL_MESSAGES: "9223372036854775807",
      KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: "0",
      BARNABAS_ADMIN_LISTENER: `127.0.0.1:${admin}`,
    }, "");
    const advertised = `PLAINTEXT://localhost:${kafka},BROKER://kafka:${broker}`;
    await writeFile(join(image.root, script), `#!/bin/bash\nexport KAFKA_ADVERTISED_LISTENERS=${advertised}\n/etc/kafka/docker/run \n`);
    await chmod(join(image.root, script), 0o777);
    await writeFile(join(image.root, `${ready}.part`), "");
    await rename(join(image.root, `${ready}.part`), join(image.root, ready));
    expect(await node.until("Kafka Server started")).toMatch(/.*Transitioning from RECOVERY to RUNNING.*/);
    await roundTrip(`localhost:${kafka}`);
    expect(node.exec(image.health)).toMatchObject({ code: 0 });
    // The first process is the shell that Testcontainers starts, which has no use for SIGTERM; the engine kills it after a while.
    expect(await node.stop("SIGKILL")).not.toBe(0);
    const data = await stat(join(image.root, "var/lib/barnabas/data"));
    expect([data.uid, data.mode & 0o777]).toEqual([10001, 0o700]);
  });

  test("runs on a read-only root with a volume and a mounted server.properties, is healthy, and ends in order", async () => {
    const [kafka, admin] = await freePorts(2);
    const settings = join(folder, "config");
    const volume = join(folder, "volume");
    await mkdir(settings);
    await mkdir(join(volume, "lost+found"), { recursive: true });
    run(["chown", "10001:10001", volume]);
    await mkdir(join(image.root, "mnt/shared/config"), { recursive: true });
    await writeFile(join(settings, "server.properties"), `listeners=PLAINTEXT://127.0.0.1:${kafka}\nnum.partitions=3\nnum.io.threads=8\n`);
    const mounts = `mount --bind "${settings}" "$R/mnt/shared/config" && mount --bind "${volume}" "$R/var/lib/barnabas" && ` +
      `mount -t tmpfs -o mode=1777,size=16m tmpfs "$R/tmp" && mount -o remount,bind,ro "$R" "$R" &&`;
    const env = { BARNABAS_ADMIN_LISTENER: `127.0.0.1:${admin}` };
    const node = start(image, [], env, mounts);
    await node.until("Kafka Server started");
    expect(node.exec(["touch", "/etc/x"]).error).toContain("Read-only file system");
    expect(node.exec(image.health)).toMatchObject({ code: 0 });
    await roundTrip(`127.0.0.1:${kafka}`);
    // As a probe or Prometheus asks: by an address, not by a name that is known here.
    expect((await fetch(`http://127.0.0.1:${admin}/readyz`, { headers: { host: "10.1.2.3:9644" } })).status).toBe(200);
    expect(await node.stop()).toBe(0);
    const again = start(image, [], env, mounts);
    await again.until("Kafka Server started");
    await using client = await Admin.connect({ bootstrapServers: `127.0.0.1:${kafka}` });
    expect((await client.listTopics()).map((topic) => topic.name)).toContain("orders");
    expect(again.exec(["barnabas", "health", "--url", "http://127.0.0.1:1"]).code).toBe(1);
    expect(await again.stop()).toBe(0);
  });

  test("works where its temporary directory cannot be used, and says what that costs", async () => {
    const node = start(image, [], {}, `mount -t tmpfs -o mode=1777,noexec tmpfs "$R/tmp" &&`);
    await node.until("Kafka Server started");
    expect(await node.stop()).toBe(0);
    expect((await node.ended).error).toContain("Checksums take ten times as long");
  });
});

const analyse = Bun.which("systemd-analyze");
if (analyse === null) console.log("deploy/barnabas.service as systemd sees it: skipped: systemd-analyze is not installed");

describe.skipIf(analyse === null)("deploy/barnabas.service as systemd sees it", () => {
  let unit = "";
  beforeAll(async () => {
    unit = join(await mkdtemp(join(tmpdir(), "barnabas-unit-")), "barnabas.service");
    const text = await readFile(join(project, "deploy/barnabas.service"), "utf8");
    // Whatever it starts has to be there.
    await writeFile(unit, text.replace(/^ExecStart=\S+/m, "ExecStart=/bin/true"));
  });
  afterAll(() => rm(dirname(unit), { recursive: true, force: true }));

  test("is a unit that it can read", () => {
    const { code, error } = run([analyse!, "verify", "--man=no", unit]);
    expect([code, error.split("\n").filter((line) => line.includes("barnabas.service"))]).toEqual([0, []]);
  });
  test("leaves little of the machine open", () => {
    const { out, error } = run([analyse!, "security", "--offline=true", "--no-pager", unit]);
    const exposure = /Overall exposure level for \S+: ([\d.]+)/.exec(out)?.[1];
    // Before version 250 it cannot tell of a file.
    if (exposure === undefined) expect(error).toMatch(/offline/);
    else expect(Number(exposure)).toBeLessThan(3);
  });
});
