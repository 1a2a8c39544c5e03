/** Lays the steps of two brokers side by side and names every field that differs. */
import type { Step } from "./peer.ts";

export interface Difference {
  /** `Api vN: what path.to.field`. */
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
  if (isTree(kafka) && isTree(barnabas) && Array.isArray(kafka) === Array.isArray(barnabas)) {
    const named = (value: object) =>
      new Map(Array.isArray(value) ? value.map((item, i) => [nameOf(item, i), item]) : Object.entries(value));
    const [theirs, ours] = [named(kafka), named(barnabas)];
    // What else is in a row with another error follows from that.
    if (theirs.get("errorCode") !== ours.get("errorCode")) {
      return walk(`${where} errorCode`, theirs.get("errorCode"), ours.get("errorCode"), into);
    }
    for (const name of new Set([...theirs.keys(), ...ours.keys()])) walk(`${where} ${name}`, theirs.get(name), ours.get(name), into);
    return;
  }
  into.push({ where, kafka: JSON.stringify(kafka) ?? "absent", barnabas: JSON.stringify(barnabas) ?? "absent" });
}

const isTree = (value: unknown): value is object => typeof value === "object" && value !== null;

function nameOf(item: unknown, index: number): string {
  const name = isTree(item) ? (item as Record<string, unknown>)["name"] : undefined;
  const key = isTree(item) ? (item as Record<string, unknown>)["apiKey"] : undefined;
  return typeof name === "string" && name !== "" ? name : typeof key === "number" ? `key ${key}` : `[${index}]`;
}
