import type { IncomingMessage, ServerResponse } from "node:http";
import { AerostackError } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import type { Engine } from "../front-door/waf/engine.ts";
import type { Logger } from "../kernel/log.ts";
import type { Metrics } from "../kernel/metrics.ts";
import { answerError } from "./gateway-listener.ts";
import { acceptRequestId } from "./request-id.ts";

export type FirewallMode = "off" | "detect" | "block";

export interface FirewallGuardOptions {
  readonly engine: Engine;
  /** Of the management interface: its addresses are few and known, so an attack there is one. */
  readonly management: FirewallMode;
  /** Of what projects serve: functions and the data plane carry SQL, code and prose in earnest. */
  readonly projects: FirewallMode;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly clock: Clock;
}

/** What a request must score to be one that nobody means well. */
export const BLOCK_SCORE = 5;

/** A flood of attacks must not become a flood of the log; what is left out is counted, in the log and in the metrics. */
const MAX_LINES_PER_MINUTE = 100;
const MINUTE_MS = 60_000;

/**
 * Looks at address and headers of every request before anything else does. Bodies are not read here: they stream through.
 *
 * @returns a function that answers true when it refused the request
 */
export function createFirewallGuard(options: FirewallGuardOptions) {
  const { engine, log, clock } = options;
  let minute = 0;
  let lines = 0;
  const counted = options.metrics.counter({
    name: "aerostack_firewall_hits_total",
    help: "Requests in which the firewall found an attack.",
    labels: ["category", "action"],
  });

  function mayWrite(): boolean {
    const now = Math.floor(clock.now() / MINUTE_MS);
    if (now !== minute) {
      if (lines > MAX_LINES_PER_MINUTE) {
        log.warn({ leftOut: lines - MAX_LINES_PER_MINUTE }, "the firewall found more attacks than it told");
      }
      minute = now;
      lines = 0;
    }
    return ++lines <= MAX_LINES_PER_MINUTE;
  }

  return function guard(req: IncomingMessage, res: ServerResponse): boolean {
    const mode = req.url?.startsWith("/api/") === true ? options.management : options.projects;
    if (mode === "off") return false;
    const found = engine.inspectHead(req);
    if (found === null || found.score < BLOCK_SCORE) return false;
    const action = mode === "block" ? "blocked" : "detected";
    const requestId = acceptRequestId(undefined);
    for (const category of new Set(found.hits.map(({ rule }) => rule.category))) counted.add({ category, action });
    if (mayWrite()) {
      const rules = found.hits.map(({ rule, parameter }) => ({ id: rule.id, parameter }));
      log.warn({ rules, score: found.score, action, requestId }, "the firewall found an attack");
    }
    if (mode !== "block") return false;
    answerError(req, res, new AerostackError("WAF_BLOCKED"), requestId);
    return true;
  };
}
