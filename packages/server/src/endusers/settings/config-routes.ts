import { type EndUserSettings, endUserConfigResponseSchema, endUserProjectParamsSchema } from "@aerostack/contracts";
import { defineRoute, type Route } from "../../edge/define-route.ts";
import { type AuthRequests, END_USER_AUTH_PATH, END_USER_TAG } from "../auth-route.ts";
import type { SettingsReader } from "./settings.ts";

export interface ConfigRoutesOptions {
  readonly requests: AuthRequests;
  readonly settings: SettingsReader;
  readonly authUrlOf: (projectId: string) => string;
}

const NAMES = { github: "GitHub", google: "Google" } as const;

function hasPasskeys({ passkeys, urls }: EndUserSettings): boolean {
  const hasPlace = urls.site !== null || (passkeys.rpId !== null && passkeys.origins.length > 0);
  return passkeys.enabled && hasPlace;
}

/** What a log-in screen asks before anybody has logged in. */
export function createConfigRoutes({ requests, settings, authUrlOf }: ConfigRoutesOptions): readonly Route[] {
  return [
    defineRoute({
      method: "get",
      path: `${END_USER_AUTH_PATH}/config`,
      summary: "Get the ways to log in that a project offers",
      tag: END_USER_TAG,
      auth: "none",
      params: endUserProjectParamsSchema,
      response: { status: 200, schema: endUserConfigResponseSchema },
      handler: async ({ params }) => {
        const project = await requests.requireProject(params.project);
        const rules = await settings.of(project.id);
        return {
          appName: rules.appName ?? project.name,
          signUp: rules.signUp,
          requireEmailVerification: rules.requireEmailVerification,
          requireAgeConfirmation: rules.requireAgeConfirmation,
          password: rules.password,
          otp: rules.otp,
          magicLink: rules.magicLink.enabled,
          anonymous: rules.anonymous.enabled,
          passkeys: hasPasskeys(rules),
          turnstileSiteKey: rules.turnstile.enabled ? rules.turnstile.siteKey : null,
          providers: Object.entries(rules.providers)
            .filter(([, { enabled }]) => enabled)
            .map(([id, { type, name }]) => ({
              id,
              type,
              name: name ?? (type === "oidc" ? id : NAMES[type]),
              url: `${authUrlOf(project.id)}/oauth/${id}`,
            })),
        };
      },
    }),
  ];
}
