/** Waits until something is so: for an event that fits, or for a condition that is asked again after whatever changes. Polls nothing. */
import { Closed, type Deadline, type Deadlines } from "../io/mod.ts";
import { WaitedInVain } from "./errors.ts";
import type { BrokerEventName, BrokerEvents, Events } from "./events.ts";

/** @throws {WaitedInVain} @throws {Closed} when the broker is closed meanwhile. */
export function waitForEvent<Name extends BrokerEventName>(
  events: Events,
  name: Name,
  fits: (event: BrokerEvents[Name]) => boolean,
  deadlines: Deadlines,
  deadline: Deadline,
  timeoutMs: number,
): Promise<BrokerEvents[Name]> {
  return until(deadlines, deadline, (settle) => {
    let others = 0;
    const subscription = events.on(name, (event) => {
      try {
        if (fits(event)) settle.resolve(event);
        else others++;
      } catch (error) {
        settle.reject(error);
      }
    });
    const closing = events.onClosed(() => settle.reject(new Closed("broker")));
    return {
      late: () =>
        new WaitedInVain(`Cannot wait for "${name}" any longer: none that fits came within ${timeoutMs} ms, ${others} others did`),
      cancel: () => {
        subscription.cancel();
        closing.cancel();
      },
    };
  });
}

/** Resolves to the first value that is neither false nor null nor undefined. @throws as `waitForEvent`, and what `condition` throws. */
export function waitUntil<T>(
  events: Events,
  condition: () => T | Promise<T>,
  deadlines: Deadlines,
  deadline: Deadline,
  timeoutMs: number,
): Promise<Exclude<T, false | null | undefined>> {
  return until(deadlines, deadline, (settle) => {
    let isAsking = false;
    let isAskedAgain = false;
    let last: unknown;
    const ask = async () => {
      if (isAsking) return void (isAskedAgain = true);
      isAsking = true;
      try {
        do {
          isAskedAgain = false;
          const value = await condition();
          last = value;
          if (value !== false && value !== null && value !== undefined) settle.resolve(value as Exclude<T, false | null | undefined>);
        } while (isAskedAgain && !settle.isSettled());
      } catch (error) {
        settle.reject(error);
      }
      isAsking = false;
    };
    const changes = events.onAny(() => void ask());
    const closing = events.onClosed(() => settle.reject(new Closed("broker")));
    void ask();
    return {
      late: () => new WaitedInVain(`Cannot wait any longer: the condition was last ${String(last)}, after ${timeoutMs} ms`),
      cancel: () => {
        changes.cancel();
        closing.cancel();
      },
    };
  });
}

interface Settle<T> {
  resolve(value: T): void;
  reject(error: unknown): void;
  isSettled(): boolean;
}

function until<T>(
  deadlines: Deadlines,
  deadline: Deadline,
  begin: (settle: Settle<T>) => { late(): Error; cancel(): void },
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  let isSettled = false;
  const settled = () => isSettled = true;
  const waiting = begin({
    resolve: (value) => (settled(), resolve(value)),
    reject: (error) => (settled(), reject(error)),
    isSettled: () => isSettled,
  });
  const waker = deadlines.wake(deadline, () => reject(waiting.late()));
  return promise.finally(() => {
    isSettled = true;
    waker.cancel();
    waiting.cancel();
  });
}
