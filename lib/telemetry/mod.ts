/** Door of `telemetry`: log events. Metrics are behind `metrics.ts`, which is loaded when somebody asks for them: it is large. */
export {
  type ConfiguredLog,
  configureLog,
  type Log,
  LOG_LEVELS,
  type LogFormat,
  type LogLevel,
  logOf,
  type LogOptions,
  type Properties,
} from "./log.ts";
export { LogRing } from "./log_ring.ts";
export { Histogram, type HistogramCounts, LATENCY_BOUNDS } from "./histogram.ts";
