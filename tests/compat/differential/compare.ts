/** Lays the steps of two brokers side by side and names every field that differs, and every list whose rows come in another order. */
import type { Step } from "./peer.ts";

export interface Difference {
  /** `Api vN: what path.to.field`; ends with ` order` when the rows are the same and their order is not. */
  readonly where: string;
  readonly kafka: string;
  readonly barnabas: string;
}

export function compare(kafka: readonly Step[], barnabas: readonly Step[]): Difference[] {
  const differences: Difference[] = [];
  for (let i = 0; i < Math.max(kafka.length, barnabas.length); i++) {
    const [theirs, ours] = [kafka[i], barnabas[i]];
    if (theirs?.label !== ours?.label) {
      differences.push({ where: `step ${i}`, kafka: theirs?.label ?? "nothing", barnabas: ours?.label ?? "nothing" });
      break;
    }
    walk(theirs!.label, theirs!.reply, ours!.reply, differences);
  }
  return differences;
}

function walk(where: string, kafka: unknown, barnabas: unknown, into: Difference[]): void {
  if (Object.is(kafka, barnabas)) return;
  if (!isTree(kafka) || !isTree(barnabas) || Array.isArray(kafka) !== Array.isArray(barnabas)) {
    into.push({ where, kafka: JSON.stringify(kafka) ?? "absent", barnabas: JSON.stringify(barnabas) ?? "absent" });
    return;
  }
  const [theirs, ours] = [members(kafka), members(barnabas)];
  // What else is in a row with another error follows from that.
  if (theirs.get("errorCode") !== ours.get("errorCode")) {
    return walk(`${where} errorCode`, theirs.get("errorCode"), ours.get("errorCode"), into);
  }
  if (Array.isArray(kafka)) {
    const [one, other] = [[...theirs.keys()].filter((name) => ours.has(name)), [...ours.keys()].filter((name) => theirs.has(name))];
    if (one.join() !== other.join()) into.push({ where: `${where} order`, kafka: one.join(), barnabas: other.join() });
  }
  for (const name of new Set([...theirs.keys(), ...ours.keys()])) walk(`${where} ${name}`, theirs.get(name), ours.get(name), into);
}

const isTree = (value: unknown): value is object => typeof value === "object" && value !== null;

/** Of an object its fields; of a list its rows, by what identifies them and by how often that came before. */
function members(value: object): ReadonlyMap<string, unknown> {
  if (!Array.isArray(value)) return new Map(Object.entries(value));
  const seen = new Map<string, number>();
  return new Map(value.map((item: unknown, at) => {
    const name = nameOf(item) ?? `[${at}]`;
    const before = seen.get(name) ?? 0;
    seen.set(name, before + 1);
    return [before === 0 ? name : `${name} again ${before}`, item];
  }));
}

/** Of which the first that says anything is taken. */
const IDENTITIES =
  "name topic topicName topicId groupId resourceName key apiKey memberId partitionIndex partition index nodeId brokerId replicaId producerId"
    .split(" ");

/** Null for a row that only its place identifies. */
function nameOf(item: unknown): string | null {
  if (!isTree(item)) return null;
  const row = item as Record<string, unknown>;
  const has = IDENTITIES.filter((one) => row[one] !== undefined && row[one] !== null);
  const field = has.find((one) => row[one] !== "") ?? has[0];
  if (field === undefined) return null;
  const value = String(row[field]);
  if (field === "apiKey") return `key ${value}`;
  if (field === "resourceName") return `${String(row["resourceType"])}:${value}`;
  return typeof row[field] === "number" ? `[${value}]` : value === "" ? '""' : value;
}
