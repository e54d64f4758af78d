import {
  endUserAnonymousRequestSchema,
  endUserAuthResponseSchema,
  endUserProjectParamsSchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../../edge/define-route.ts";
import { type AuthRequests, END_USER_AUTH_PATH, END_USER_TAG } from "../auth-route.ts";
import type { HumanCheck } from "../human-check/human-check.ts";
import { showSignIn } from "../sign-in/show-sign-in.ts";
import type { AnonymousUsers } from "./anonymous-users.ts";

export interface AnonymousRoutesOptions {
  readonly requests: AuthRequests;
  readonly human: HumanCheck;
  readonly anonymous: AnonymousUsers;
}

export function createAnonymousRoutes({ requests, human, anonymous }: AnonymousRoutesOptions): readonly Route[] {
  return [
    defineRoute({
      method: "post",
      path: `${END_USER_AUTH_PATH}/anonymous`,
      summary: "Log in as a new user of whom nothing is known",
      description:
        "Where the project allows it. They keep what is theirs when they say who they are: by /me/upgrade, or by a code or link with the access token.",
      tag: END_USER_TAG,
      auth: "none",
      params: endUserProjectParamsSchema,
      body: endUserAnonymousRequestSchema,
      response: { status: 201, schema: endUserAuthResponseSchema },
      errors: ["AUTH_METHOD_DISABLED", "FORBIDDEN"],
      handler: async (input) => {
        const projectId = await requests.projectIdOf(input.params.project);
        await human.require(projectId, input.body.turnstileToken);
        return showSignIn(await anonymous.create(projectId, input.body, requests.callerOf(input)));
      },
    }),
  ];
}
