import {
  endUserSettingsResponseSchema,
  projectParamsSchema,
  successSchema,
  updateEndUserSettingsRequestSchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../../edge/define-route.ts";
import type { SigningKeys } from "../sessions/signing-keys.ts";
import type { EndUserSettingsService } from "./settings.ts";

export interface EndUserSettingsRoutesOptions {
  readonly settings: EndUserSettingsService;
  readonly keys: SigningKeys;
}

const TAG = "End users: administration";
const PATH = "/api/v1/projects/:project/auth/settings";

/** How a project's users log in, for whoever manages the project. */
export function createEndUserSettingsRoutes({ settings, keys }: EndUserSettingsRoutesOptions): readonly Route[] {
  return [
    defineRoute({
      method: "get",
      path: PATH,
      summary: "Get a project's end-user settings",
      tag: TAG,
      auth: "management",
      permission: "settings.read",
      params: projectParamsSchema,
      response: { status: 200, schema: endUserSettingsResponseSchema },
      errors: ["NOT_FOUND"],
      handler: async ({ project: { id } }) => {
        return { settings: await settings.of(id), secrets: Object.keys(await settings.secretsOf(id)) };
      },
    }),
    defineRoute({
      method: "patch",
      path: PATH,
      summary: "Change a project's end-user settings",
      tag: TAG,
      auth: "management",
      permission: "settings.write",
      params: projectParamsSchema,
      body: updateEndUserSettingsRequestSchema,
      bodyIsContent: true,
      response: { status: 200, schema: endUserSettingsResponseSchema },
      errors: ["NOT_FOUND"],
      handler: async ({ project: { id }, body }) => {
        const updated = await settings.update(id, body);
        return { settings: updated, secrets: Object.keys(await settings.secretsOf(id)) };
      },
    }),
    defineRoute({
      method: "post",
      path: "/api/v1/projects/:project/auth/keys/rotate",
      summary: "Sign access tokens with a new key",
      description: "Tokens of the keys before stay valid until they expire.",
      tag: TAG,
      auth: "management",
      permission: "settings.write",
      params: projectParamsSchema,
      response: { status: 200, schema: successSchema },
      errors: ["NOT_FOUND"],
      handler: async ({ project: { id } }) => {
        await keys.rotate(id);
        return { success: true as const };
      },
    }),
  ];
}
