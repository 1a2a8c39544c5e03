/** Compiles one version of a message into a function that writes it. Fields that the version lacks are left out. Source: KIP-482. */
import type { Writer } from "../wire/mod.ts";
import { type Layout, presentSlots, type Shape, type Slot, taggedSlots } from "./layout.ts";
import { evaluate, identifier, literal, primitiveMethod } from "./source.ts";

/** One generated function per struct; `w` is the writer, `v` the struct's value. */
export function compileEncoder(layout: Layout): (writer: Writer, value: unknown) => void {
  const functions: string[] = [];
  return evaluate(functions, writeStruct(layout, functions));
}

/** Adds the function that writes a struct, returns its name. */
function writeStruct(layout: Layout, functions: string[]): string {
  const lines: string[] = [];
  for (const slot of presentSlots(layout)) {
    lines.push(`let $${identifier(slot.name)} = v.${slot.name};`);
    if (slot.optional) lines.push(`if ($${slot.name} === undefined) $${slot.name} = ${literal(slot.fallback)};`);
    lines.push(...writeValue(slot.shape, `$${slot.name}`, layout.flexible, slot.path, functions));
  }
  if (layout.flexible) lines.push(...writeTags(layout, functions));
  const name = `write${functions.length}`;
  functions.push(`function ${name}(w, v) {\n${lines.join("\n")}\n}`);
  return name;
}

function writeTags(layout: Layout, functions: string[]): string[] {
  const slots = taggedSlots(layout);
  if (slots.length === 0) return ["w.uvarint(0);"];
  const lines = ["let tags = 0;"];
  for (const slot of slots) {
    const differs = `${slot.name}Differs`;
    lines.push(`const $${identifier(slot.name)} = v.${slot.name}; const ${differs} = !(${isFallback(slot, `$${slot.name}`, functions)});`);
    lines.push(`if (${differs}) tags++;`);
  }
  lines.push("w.uvarint(tags);");
  for (const slot of slots) {
    refuseForeign(slot);
    const write = writeValue(slot.shape, `$${slot.name}`, layout.flexible, slot.path, functions);
    lines.push(`if (${slot.name}Differs) { w.uvarint(${slot.tag}); const size = w.beginSized();`, ...write, "w.endSized(size); }");
  }
  return lines;
}

/** Statements that write the value of the expression `source`. */
function writeValue(shape: Shape, source: string, flexible: boolean, path: string, functions: string[]): string[] {
  const at = `w.field = ${JSON.stringify(path)};`;
  switch (shape.kind) {
    case "struct": {
      const write = `if (${source} == null) w.fail("is missing"); ${writeStruct(shape.layout, functions)}(w, ${source});`;
      return [at, shape.nullable ? `if (${source} === null) w.int8(-1); else { w.int8(1); ${write} }` : write];
    }
    case "array": {
      const count = flexible ? "compactCount" : "count";
      const items = [
        `if (!Array.isArray(${source})) w.fail("is not an array");`,
        `w.${count}(${source}.length);`,
        `for (const item of ${source}) {`,
        ...writeValue(shape.of, "item", flexible, `${path}[]`, functions),
        "}",
      ].join("\n");
      return [at, shape.nullable ? `if (${source} === null) w.${count}(-1); else {\n${items}\n}` : items];
    }
    default:
      return [
        at,
        `w.${primitiveMethod(shape, flexible, path)}(${
          shape.charsMax === undefined ? source : `w.shortened(${source}, ${shape.charsMax})`
        });`,
      ];
  }
}

/** Expression: whether a tagged field has its fallback and so is not written. */
function isFallback(slot: Slot, source: string, functions: string[]): string {
  const { shape, fallback } = slot;
  if (shape.kind === "struct") return `${source} === undefined || ${structIsFallback(shape.layout, functions)}(${source})`;
  if (Array.isArray(fallback) || fallback instanceof Uint8Array) {
    if (fallback.length > 0) throw new TypeError(`Cannot compile "${slot.path}": its fallback must be empty`);
    return `${source} === undefined || ${source} !== null && ${source}.length === 0`;
  }
  return `${source} === undefined || ${source} === ${literal(fallback)}`;
}

/** Adds the function that tells whether a whole struct has its fallbacks, returns its name. */
function structIsFallback(layout: Layout, functions: string[]): string {
  const members = layout.slots.filter((slot) => slot.present).map((slot) =>
    `(${isFallback(slot, `v.${identifier(slot.name)}`, functions)})`
  );
  const name = `isFallback${functions.length}`;
  functions.push(`function ${name}(v) {\nreturn ${members.join(" && ") || "true"};\n}`);
  return name;
}

/** A tagged field's size is written before it, by moving its bytes: chunks of someone else cannot be moved. */
function refuseForeign(slot: Slot): void {
  const foreign = (shape: Shape): boolean =>
    shape.kind === "records" || (shape.kind === "array" && foreign(shape.of)) ||
    (shape.kind === "struct" && shape.layout.slots.some((inner) => foreign(inner.shape)));
  if (foreign(slot.shape)) throw new TypeError(`Cannot compile "${slot.path}": records cannot be in a tagged field`);
}
