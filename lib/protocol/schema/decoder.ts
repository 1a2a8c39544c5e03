/** Compiles one version of a message into a function that reads it. Checks lengths only through `Reader`. Source: KIP-482. */
import type { Reader } from "../wire/mod.ts";
import { bytesMin, elementMemory, type Layout, presentSlots, type Shape, taggedSlots } from "./layout.ts";
import { countMethod, evaluate, identifier, literal, primitiveMethod } from "./source.ts";

/** From so many elements on, JavaScriptCore keeps an array of a stated length in a slower form. */
const SPARSE_FROM = 50_000;

/** One generated function per struct; `r` is the reader, `$name` a field's value. */
export function compileDecoder(layout: Layout): (reader: Reader) => unknown {
  const functions: string[] = [];
  return evaluate(functions, readStruct(layout, functions));
}

/** Adds the function that reads a struct, returns its name. */
function readStruct(layout: Layout, functions: string[]): string {
  const lines: string[] = [];
  for (const slot of presentSlots(layout)) {
    lines.push(`let $${identifier(slot.name)};`, ...readValue(slot.shape, `$${slot.name}`, layout.flexible, slot.path, functions));
  }
  if (layout.flexible) lines.push(...readTags(layout, functions));
  const members = layout.slots.map((slot) => `${identifier(slot.name)}: ${slot.present ? `$${slot.name}` : literal(slot.fallback)}`);
  const name = `read${functions.length}`;
  functions.push(`function ${name}(r) {\n${lines.join("\n")}\nreturn { ${members.join(", ")} };\n}`);
  return name;
}

function readTags(layout: Layout, functions: string[]): string[] {
  const slots = taggedSlots(layout);
  if (slots.length === 0) return ["r.skipTags();"];
  const cases = slots.flatMap((slot) => [
    `case ${slot.tag}: {`,
    ...readValue(slot.shape, `$${slot.name}`, layout.flexible, slot.path, functions),
    "r.expectAt(end); break; }",
  ]);
  return [
    ...slots.map((slot) => `let $${identifier(slot.name)} = ${literal(slot.fallback)};`),
    "for (let left = r.tagCount(); left > 0; left--) {",
    "const tag = r.uvarint(); const end = r.tagEnd();",
    `switch (tag) {\n${cases.join("\n")}\ndefault: r.skipTo(end); }`,
    "}",
  ];
}

/** Statements that assign the value to `target`. */
function readValue(shape: Shape, target: string, flexible: boolean, path: string, functions: string[]): string[] {
  const at = `r.field = ${JSON.stringify(path)};`;
  switch (shape.kind) {
    case "struct": {
      const read = `${readStruct(shape.layout, functions)}(r)`;
      return [at, `${target} = ${shape.nullable ? `r.present() ? ${read} : null` : read};`];
    }
    case "array": {
      const count = `r.${countMethod(shape.nullable, flexible)}(${bytesMin(shape.of, flexible)}, ${elementMemory(shape.of)})`;
      // Sized beforehand: the engine gives an array that grows room for as many elements as others from the same place had, up to 25. Empty ones and
      // those that it would keep as sparse are made elsewhere.
      const body = [
        `${target} = n === 0 ? [] : n < ${SPARSE_FROM} ? new Array(n) : new Array();`,
        "for (let i = 0; i < n; i++) {",
        "let item;",
        ...readValue(shape.of, "item", flexible, `${path}[]`, functions),
        `${target}[i] = item;`,
        "}",
      ].join("\n");
      return [at, `{ let n = ${count};`, shape.nullable ? `if (n < 0) ${target} = null; else {\n${body}\n}` : body, "}"];
    }
    default:
      return [at, `${target} = r.${primitiveMethod(shape, flexible, path)}();`];
  }
}
