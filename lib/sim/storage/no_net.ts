/** A network without anybody on it: who uses it is mistaken. */
import { IoFailed, type Net } from "../../io/mod.ts";
import type { SimNet } from "../net/types.ts";

export const noNet: SimNet = {
  attach: () => NOBODY,
  detach() {},
  apply() {},
  heal() {},
};

const refused = () => Promise.reject(new IoFailed("connect", "nobody", "ENETUNREACH"));
const NOBODY: Net = { listen: refused, dial: refused, listenHttp: refused };
