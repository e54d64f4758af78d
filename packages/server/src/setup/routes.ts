import { setupRequestSchema, setupResponseSchema } from "@aerostack/contracts";
import { defineRoute, type Route } from "../edge/define-route.ts";
import type { SetupService } from "./service.ts";

export function setupRoutes(setup: SetupService): readonly Route[] {
  return [
    defineRoute({
      method: "post",
      path: "/api/auth/setup",
      summary: "Make the first account, project and keys",
      description: "Needs the set-up token that the server prints at its start until an admin exists.",
      tag: "Accounts",
      auth: "none",
      body: setupRequestSchema,
      response: { status: 201, schema: setupResponseSchema },
      errors: ["AUTH_SETUP_TOKEN_INVALID", "AUTH_PASSWORD_WEAK", "AUTH_USER_EXISTS"],
      handler: async ({ body, clientAddress }) => await setup.setUp(body, clientAddress),
    }),
  ];
}
