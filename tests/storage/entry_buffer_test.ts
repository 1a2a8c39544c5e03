import { expect, test } from "bun:test";
import { EntryBuffer, forEachEntry, type WalEntry } from "../../lib/storage/wal/entry.ts";

const none = new Uint8Array(0);
const log = new Uint8Array(20).fill(7);
const entries = (buffer: EntryBuffer): WalEntry[] => {
  const found: WalEntry[] = [];
  forEachEntry(buffer.bytes, none, (entry) => found.push(entry));
  return found;
};

test("EntryBuffer.copy() takes entries that are larger than the buffer is", () => {
  const large = new EntryBuffer(0);
  large.raftEntry({ index: 1, term: 1, kind: "command", data: new Uint8Array(100_000).fill(5) });
  const small = new EntryBuffer(0);
  small.copy(large.bytes);
  expect(entries(small)).toEqual(entries(large));
});

test("EntryBuffer keeps every kind of entry when it grows in the middle of it", () => {
  for (let filled = 4040; filled < 4100; filled++) {
    const buffer = new EntryBuffer(0);
    buffer.raftEntry({ index: 1, term: 1, kind: "noop", data: new Uint8Array(filled - 22) });
    buffer.change(log, { kind: "truncate", offset: 2 ** 40 + filled });
    buffer.delete(log);
    buffer.hardState({ term: 3, votedFor: null, commit: filled });
    expect(entries(buffer).slice(1)).toMatchObject([{ kind: "truncate", offset: 2 ** 40 + filled }, { kind: "delete" }, {
      hardState: { commit: filled },
    }]);
  }
});
