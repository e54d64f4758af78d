import {
  AerostackError,
  addFirewallExceptionRequestSchema,
  changeFirewallRequestSchema,
  type Firewall,
  type FirewallException,
  type FirewallHit,
  type FirewallMode,
  firewallExceptionParamsSchema,
  firewallExceptionResponseSchema,
  firewallResponseSchema,
  listFirewallHitsQuerySchema,
  listFirewallHitsResponseSchema,
  MAX_FIREWALL_EXCEPTIONS,
  projectParamsSchema,
  successSchema,
} from "@aerostack/contracts";
import { type Clock, createId } from "@aerostack/kernel";
import { defineRoute, type Route } from "../../edge/define-route.ts";
import { type Page, toIso } from "../../kernel/page.ts";
import type { FirewallSettings } from "../settings/front-door-settings.ts";
import type { FrontDoorSettingsService } from "../settings/service.ts";
import { RULES } from "../waf/rules.ts";
import type { HitLog } from "./hit-log.ts";
import type { FirewallHitRow } from "./hit-store.ts";

export interface FirewallRoutesOptions {
  readonly clock: Clock;
  readonly settings: FrontDoorSettingsService;
  readonly hits: HitLog;
  /** What the installation does where a project chose nothing. */
  readonly projectsMode: FirewallMode;
}

const TAG = "Firewall";
const FIREWALL = "/api/v1/projects/:project/firewall";
const RULE_BY_ID = new Map(RULES.map((rule) => [rule.id, rule]));

export function createFirewallRoutes({ clock, settings, hits, projectsMode }: FirewallRoutesOptions): Route[] {
  const show = ({ mode, inspectFunctionBodies, exceptions }: FirewallSettings): Firewall => ({
    mode,
    effectiveMode: mode ?? projectsMode,
    inspectFunctionBodies,
    exceptions,
  });
  const common = { tag: TAG, auth: "management" } as const;
  return [
    defineRoute({
      ...common,
      method: "get",
      path: FIREWALL,
      summary: "Read a project's firewall",
      permission: "settings.read",
      params: projectParamsSchema,
      response: { status: 200, schema: firewallResponseSchema },
      errors: ["NOT_FOUND"],
      handler: async ({ project }) => ({ firewall: show((await settings.of(project.id)).firewall) }),
    }),

    defineRoute({
      ...common,
      method: "patch",
      path: FIREWALL,
      summary: "Choose what a project's firewall does",
      description: "Of requests to the project's functions and its API. Takes effect everywhere within a second.",
      permission: "settings.write",
      params: projectParamsSchema,
      body: changeFirewallRequestSchema,
      response: { status: 200, schema: firewallResponseSchema },
      errors: ["NOT_FOUND"],
      async handler({ project, body: { mode, inspectFunctionBodies } }) {
        const firewall = await settings.change(project, {
          section: "firewall",
          action: "firewall.changed",
          change: (before) => ({
            ...before,
            ...(mode === undefined ? {} : { mode }),
            ...(inspectFunctionBodies === undefined ? {} : { inspectFunctionBodies }),
          }),
        });
        return { firewall: show(firewall) };
      },
    }),

    defineRoute({
      ...common,
      method: "post",
      path: `${FIREWALL}/exceptions`,
      summary: "Add an exception to a project's firewall",
      description: "What fits everything that the exception names counts for nothing.",
      permission: "settings.write",
      params: projectParamsSchema,
      body: addFirewallExceptionRequestSchema,
      bodyIsContent: true,
      response: { status: 201, schema: firewallExceptionResponseSchema },
      errors: ["NOT_FOUND", "CONFLICT"],
      idempotent: true,
      async handler({ project, body }) {
        const now = clock.now();
        const exception: FirewallException = {
          id: createId("fwx", now),
          rule: body.rule ?? null,
          pathPrefix: body.pathPrefix ?? null,
          parameter: body.parameter ?? null,
          createdAt: toIso(now),
        };
        await settings.change(project, {
          section: "firewall",
          action: "firewall_exception.added",
          change: (before) => ({ ...before, exceptions: added(before.exceptions, exception) }),
        });
        return { exception };
      },
    }),

    defineRoute({
      ...common,
      method: "delete",
      path: `${FIREWALL}/exceptions/:exception`,
      summary: "Remove an exception from a project's firewall",
      permission: "settings.write",
      params: firewallExceptionParamsSchema,
      response: { status: 200, schema: successSchema },
      errors: ["NOT_FOUND"],
      async handler({ project, params }) {
        await settings.change(project, {
          section: "firewall",
          action: "firewall_exception.removed",
          change(before) {
            const exceptions = before.exceptions.filter(({ id }) => id !== params.exception);
            if (exceptions.length === before.exceptions.length) {
              throw new AerostackError("NOT_FOUND", { message: "The firewall has no such exception." });
            }
            return { ...before, exceptions };
          },
        });
        return { success: true as const };
      },
    }),

    defineRoute({
      ...common,
      method: "get",
      path: `${FIREWALL}/hits`,
      summary: "List what the firewall found in requests to a project",
      description: "Hits of a day that are alike are one line with their number. Newest lines first; kept for 30 days.",
      permission: "logs.read",
      params: projectParamsSchema,
      query: listFirewallHitsQuerySchema,
      response: { status: 200, schema: listFirewallHitsResponseSchema },
      errors: ["NOT_FOUND"],
      async handler({ project, query }) {
        await hits.flush();
        return showHits(await hits.list(project.id, query));
      },
    }),

    defineRoute({
      method: "get",
      path: "/api/v1/admin/firewall/hits",
      summary: "List what the firewall found in requests to the installation itself",
      description: "To the management interface, and to addresses that belong to no project.",
      tag: TAG,
      auth: "admin",
      query: listFirewallHitsQuerySchema,
      response: { status: 200, schema: listFirewallHitsResponseSchema },
      async handler({ query }) {
        await hits.flush();
        return showHits(await hits.list(null, query));
      },
    }),
  ];
}

function added(exceptions: readonly FirewallException[], exception: FirewallException): FirewallException[] {
  if (exceptions.length >= MAX_FIREWALL_EXCEPTIONS) {
    throw new AerostackError("CONFLICT", {
      message: `A firewall has at most ${MAX_FIREWALL_EXCEPTIONS} exceptions.`,
      fix: "Remove those that are not needed any more, or make one that fits more.",
    });
  }
  const { rule, pathPrefix, parameter } = exception;
  if (exceptions.some((one) => one.rule === rule && one.pathPrefix === pathPrefix && one.parameter === parameter)) {
    throw new AerostackError("CONFLICT", { message: "The firewall has this exception already." });
  }
  return [...exceptions, exception];
}

function showHits({ items, nextCursor }: Page<FirewallHitRow>) {
  return { hits: items.map(showHit), nextCursor };
}

function showHit(row: FirewallHitRow): FirewallHit {
  const rule = RULE_BY_ID.get(row.rule);
  return {
    id: row.id,
    day: toIso(row.day).slice(0, "2026-01-01".length),
    rule: row.rule,
    ruleName: rule?.name ?? null,
    category: rule?.category ?? null,
    action: row.action,
    path: row.path || null,
    parameter: row.parameter || null,
    count: row.count,
    firstAt: toIso(row.first_at),
    lastAt: toIso(row.last_at),
    lastRequestId: row.last_request_id,
    lastIp: row.last_ip,
    lastRegion: row.last_region,
  };
}
