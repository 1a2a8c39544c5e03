/** Files and sockets for machines that have neither: Raft's store and links are modelled one level higher. */
import type { Disk, Net } from "../../io/mod.ts";
import type { SimNet } from "../net/types.ts";

const refuse = (): never => {
  throw new Error("This machine has neither files nor sockets");
};

export const NO_FILES: Disk = {
  open: refuse,
  list: refuse,
  makeDirectory: refuse,
  rename: refuse,
  removeFile: refuse,
  removeDirectory: refuse,
  syncDirectory: refuse,
  space: refuse,
  lock: refuse,
};

const NO_SOCKETS: Net = { listen: refuse, dial: refuse, listenHttp: refuse };

export const NO_NET: SimNet = { attach: () => NO_SOCKETS, detach: () => {}, apply: refuse, heal: () => {} };
