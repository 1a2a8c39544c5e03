import { expect, test } from "bun:test";
import fc from "fast-check";
import { expiry, ExpiryQueue } from "../../../lib/state/groups/expiry_queue.ts";

test("ExpiryQueue gives timers back in order of their deadlines, whatever was scheduled, moved and cancelled", () => {
  const operation = fc.tuple(fc.constantFrom("schedule", "cancel", "pop"), fc.nat(19), fc.nat(1000));
  fc.assert(fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
    const queue = new ExpiryQueue<number>();
    const timers = Array.from({ length: 20 }, (_, i) => expiry(i));
    const model = new Map<number, number>();
    for (const [kind, which, at] of operations) {
      if (kind === "schedule") {
        queue.schedule(timers[which]!, at);
        model.set(which, at);
      } else if (kind === "cancel") {
        queue.cancel(timers[which]!);
        model.delete(which);
      } else {
        const due = [...model].filter(([, when]) => when <= at);
        const popped = queue.popDue(at);
        expect(popped === null).toBe(due.length === 0);
        if (popped !== null) {
          expect(model.get(popped.target)).toBe(Math.min(...due.map(([, when]) => when)));
          model.delete(popped.target);
        }
      }
      expect(queue.size).toBe(model.size);
      expect(queue.nextAt).toBe(model.size === 0 ? null : Math.min(...model.values()));
    }
  }));
});
