/** Door of `io`: the seam's types, its errors, the deadline helper and the buffers. `real/mod.ts` and `memory/mod.ts` are its other doors. */
export { BufferPool, type BufferPoolStats, type Lease, type Piece, SLAB_BYTES, unpooled } from "./buffers.ts";
export { ByteBudget, type ByteBudgetLimits, type ByteBudgetStats, type ByteReader } from "./byte_budget.ts";
export { createCpu } from "./cpu.ts";
export {
  createDeadlines,
  type Deadline,
  type Deadlines,
  type DeadlineStats,
  type Late,
  narrow,
  OTHER_OPS,
  SHARE_BOUNDS,
  type Told,
  type Waker,
} from "./deadline.ts";
export { SyncGate } from "./sync_gate.ts";
export { Closed, DeadlineExceeded, invariant, InvariantBroken, IoFailed, Overloaded } from "./errors.ts";
export type {
  Address,
  Clock,
  Cpu,
  DirectoryEntry,
  Disk,
  DiskFile,
  HttpHandler,
  Io,
  Listener,
  Net,
  OpenOptions,
  Random,
  Socket,
  SocketHandler,
  Timer,
  Timers,
} from "./io.ts";
