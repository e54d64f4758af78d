import { limitKeyOfAddress } from "../kernel/limiter/address-key.ts";
import { createRateWindow, type RateVerdict } from "../kernel/limiter/rate-window.ts";
import type { ProjectPlaneOptions } from "./project-plane-options.ts";

const MINUTE_MS = 60_000;
/** A limit of 0 means none; callers still see the headers. */
const UNLIMITED = 1_000_000_000;

/** Counts the calls of a project: all that carry its keys together, all others by address. */
export function createCallCounts({
  config,
  clock,
  shareCounts,
  log,
}: Pick<ProjectPlaneOptions, "config" | "clock" | "shareCounts" | "log">) {
  const keyedLimit = config.callsPerMinute || UNLIMITED;
  const anonymousLimit = config.anonymousCallsPerMinute || UNLIMITED;
  const window = createRateWindow({
    clock,
    windowMs: MINUTE_MS,
    ...(shareCounts === undefined ? {} : { share: shareCounts }),
    onError: (err) => log.warn({ err }, "call counts were not shared"),
  });

  const countKeyed = (projectId: string): RateVerdict => window.hit(projectId, keyedLimit);
  const countAnonymous = (projectId: string, ip: string): RateVerdict =>
    window.hit(`${projectId} ${limitKeyOfAddress(ip)}`, anonymousLimit);
  return {
    /** Of one address, with a key or without: where a project or the installation limits that. */
    countAddress: (owner: string, ip: string, limit: number): RateVerdict =>
      window.hit(`address ${owner} ${limitKeyOfAddress(ip)}`, limit),
    countKeyed,
    countAnonymous,
    countCall: (projectId: string, key: object | null, ip: string): RateVerdict =>
      key === null ? countAnonymous(projectId, ip) : countKeyed(projectId),
  };
}
