import {
  AerostackError,
  corsRulesResponseSchema,
  corsRulesSchema,
  networkRulesResponseSchema,
  networkRulesSchema,
  projectParamsSchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../../edge/define-route.ts";
import { currentCallContext } from "../../kernel/call-context.ts";
import { type FrontDoorSettingsService, INSTALLATION } from "../settings/service.ts";
import { lets } from "./network-rules.ts";

export interface NetworkRoutesOptions {
  readonly settings: FrontDoorSettingsService;
}

const TAG = "Network";
const NETWORK = "/api/v1/projects/:project/network";
const CORS = "/api/v1/projects/:project/cors";
const ADMIN_NETWORK = "/api/v1/admin/network";

export function createNetworkRoutes({ settings }: NetworkRoutesOptions): Route[] {
  const common = { tag: TAG, auth: "management", params: projectParamsSchema, errors: ["NOT_FOUND"] } as const;
  return [
    defineRoute({
      ...common,
      method: "get",
      path: NETWORK,
      summary: "Read who may reach a project, by address and country",
      permission: "settings.read",
      response: { status: 200, schema: networkRulesResponseSchema },
      handler: async ({ project }) => ({ network: (await settings.of(project.id)).network }),
    }),

    defineRoute({
      ...common,
      method: "put",
      path: NETWORK,
      summary: "Choose who may reach a project, by address and country",
      description:
        "The project's functions, its API, storage, realtime and the log-in of its users; not this management interface, nor S3 clients. In force everywhere within a second. Asked in this order: refused addresses, allowed addresses, refused countries, allowed countries; where something is allowed, everything else is refused.",
      permission: "settings.write",
      body: networkRulesSchema,
      response: { status: 200, schema: networkRulesResponseSchema },
      async handler({ project, body }) {
        const change = { section: "network", action: "network.changed", change: () => body } as const;
        return { network: await settings.change(project, change) };
      },
    }),

    defineRoute({
      ...common,
      method: "get",
      path: CORS,
      summary: "Read which pages of other origins may call a project",
      permission: "settings.read",
      response: { status: 200, schema: corsRulesResponseSchema },
      handler: async ({ project }) => ({ cors: (await settings.of(project.id)).cors }),
    }),

    defineRoute({
      ...common,
      method: "put",
      path: CORS,
      summary: "Choose which pages of other origins may call a project",
      description:
        "Its API, the log-in of its users, and functions that say nothing of it themselves. In force everywhere within a second.",
      permission: "settings.write",
      body: corsRulesSchema,
      response: { status: 200, schema: corsRulesResponseSchema },
      async handler({ project, body }) {
        return {
          cors: await settings.change(project, { section: "cors", action: "cors.changed", change: () => body }),
        };
      },
    }),

    defineRoute({
      ...common,
      method: "delete",
      path: CORS,
      summary: "Leave it to the default which pages of other origins may call a project",
      permission: "settings.write",
      response: { status: 200, schema: corsRulesResponseSchema },
      async handler({ project }) {
        return {
          cors: await settings.change(project, { section: "cors", action: "cors.changed", change: () => null }),
        };
      },
    }),

    defineRoute({
      method: "get",
      path: ADMIN_NETWORK,
      summary: "Read who may reach the installation, by address and country",
      tag: TAG,
      auth: "admin",
      response: { status: 200, schema: networkRulesResponseSchema },
      handler: async () => ({ network: (await settings.of(INSTALLATION)).network }),
    }),

    defineRoute({
      method: "put",
      path: ADMIN_NETWORK,
      summary: "Choose who may reach the installation, by address and country",
      description:
        "Every address of it, before anything else. The machine itself is never refused. Rules that would refuse the caller are.",
      tag: TAG,
      auth: "admin",
      body: networkRulesSchema,
      response: { status: 200, schema: networkRulesResponseSchema },
      async handler({ body, clientAddress }) {
        if (!lets(body, { ip: clientAddress, region: currentCallContext()?.region ?? null })) {
          throw new AerostackError("CONFLICT", {
            message: "These rules would refuse the address that you are calling from.",
            fix: "Allow your own address, or call from one that is allowed.",
          });
        }
        const change = { section: "network", action: "network.changed", change: () => body } as const;
        return { network: await settings.change({ id: INSTALLATION }, change) };
      },
    }),
  ];
}
