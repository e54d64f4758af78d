import {
  listSecretsQuerySchema,
  listSecretsResponseSchema,
  projectParamsSchema,
  secretParamsSchema,
  secretQuerySchema,
  setSecretRequestSchema,
  successSchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../edge/define-route.ts";
import type { FunctionRoutesOptions } from "./routes.ts";

const TAG = "Secrets";

/** Values that a project's functions read from `env`: written, listed by name, deleted, never read back. */
export function createSecretRoutes(options: Pick<FunctionRoutesOptions, "functions">): Route[] {
  const { functions } = options;
  return [
    defineRoute({
      method: "get",
      path: "/api/v1/projects/:project/secrets",
      summary: "List the names of secrets",
      tag: TAG,
      auth: "management",
      permission: "secrets.read",
      params: projectParamsSchema,
      query: listSecretsQuerySchema,
      response: { status: 200, schema: listSecretsResponseSchema },
      async handler({ project, query }) {
        const secrets = await functions.listSecrets(project.id);
        return {
          secrets: secrets
            .filter((secret) => query.env === undefined || secret.environment === query.env)
            .map((secret) => ({
              name: secret.name,
              env: secret.environment,
              updatedAt: new Date(secret.updatedAt).toISOString(),
            })),
          nextCursor: null,
        };
      },
    }),

    defineRoute({
      method: "put",
      path: "/api/v1/projects/:project/secrets/:name",
      summary: "Set a secret",
      description:
        "The functions of the environment see it at once: their process is replaced without losing a request.",
      tag: TAG,
      auth: "management",
      permission: "secrets.write",
      params: secretParamsSchema,
      body: setSecretRequestSchema,
      bodyIsContent: true,
      response: { status: 200, schema: successSchema },
      errors: ["VALUE_TOO_LARGE"],
      async handler({ project, params, body }) {
        await functions.setSecret(project, body.env, params.name, body.value);
        return { success: true as const };
      },
    }),

    defineRoute({
      method: "delete",
      path: "/api/v1/projects/:project/secrets/:name",
      summary: "Delete a secret",
      tag: TAG,
      auth: "management",
      permission: "secrets.write",
      params: secretParamsSchema,
      query: secretQuerySchema,
      response: { status: 200, schema: successSchema },
      async handler({ project, params, query }) {
        await functions.deleteSecret(project, query.env, params.name);
        return { success: true as const };
      },
    }),
  ];
}
