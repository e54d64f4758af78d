import {
  AerostackError,
  endUserAuthResponseSchema,
  endUserAvatarParamsSchema,
  endUserAvatarResponseSchema,
  endUserChangeEmailRequestSchema,
  endUserChangePasswordRequestSchema,
  endUserDeleteRequestSchema,
  endUserMeResponseSchema,
  endUserMessageResponseSchema,
  endUserProfileRequestSchema,
  endUserProjectParamsSchema,
  endUserSuccessSchema,
  endUserUpgradeRequestSchema,
  MAX_AVATAR_BYTES,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../../edge/define-route.ts";
import type { Limiter } from "../../kernel/limiter/limiter.ts";
import { requireAllowed } from "../../kernel/limiter/require-allowed.ts";
import type { AnonymousUsers } from "../anonymous/anonymous-users.ts";
import { type AuthRequests, END_USER_AUTH_PATH, END_USER_TAG } from "../auth-route.ts";
import { END_USER_LIMITS } from "../limits.ts";
import type { EndUserMessages } from "../messages/end-user-messages.ts";
import { requireAllowedRedirect } from "../messages/redirect-urls.ts";
import type { SettingsReader } from "../settings/settings.ts";
import { showEndUser } from "../show-user.ts";
import { showSignIn } from "../sign-in/show-sign-in.ts";
import type { EndUserRow } from "../users/store.ts";
import type { UserRows } from "../users/user-directory.ts";
import type { EmailVerification } from "../verification/email-verification.ts";
import { AVATAR_CONTENT_TYPE, type Avatars } from "./avatars.ts";
import type { Profile } from "./profile.ts";
import { readUploadedFile } from "./read-uploaded-file.ts";

export interface ProfileRoutesOptions {
  readonly requests: AuthRequests;
  readonly limiter: Limiter;
  readonly settings: SettingsReader;
  readonly profile: Profile;
  readonly avatars: Avatars;
  readonly anonymous: AnonymousUsers;
  readonly verification: EmailVerification;
  readonly messages: EndUserMessages;
  readonly users: UserRows;
}

const ME = `${END_USER_AUTH_PATH}/me`;
const TOKEN_ERRORS = ["AUTH_TOKEN_INVALID", "AUTH_TOKEN_EXPIRED"] as const;
/** An address names one picture for ever. */
const AVATAR_MAX_AGE_SECONDS = 31_536_000;

/** What users read and change of themselves. */
export function createProfileRoutes(options: ProfileRoutesOptions): readonly Route[] {
  const { requests, limiter, settings, profile, avatars, anonymous, verification, messages, users } = options;
  return [
    defineRoute({
      method: "get",
      path: ME,
      summary: "Get the user that calls",
      tag: END_USER_TAG,
      auth: "none",
      params: endUserProjectParamsSchema,
      response: { status: 200, schema: endUserMeResponseSchema },
      errors: [...TOKEN_ERRORS],
      handler: async ({ params, request }) => {
        const projectId = await requests.projectIdOf(params.project);
        const { userId } = await requests.userOf(projectId, request);
        return showMe(await users.require(projectId, userId));
      },
    }),
    defineRoute({
      method: "patch",
      path: ME,
      summary: "Change the user that calls",
      description: "Custom fields are merged; null removes.",
      tag: END_USER_TAG,
      auth: "none",
      params: endUserProjectParamsSchema,
      body: endUserProfileRequestSchema,
      response: { status: 200, schema: endUserMeResponseSchema },
      errors: [...TOKEN_ERRORS],
      handler: async ({ params, body, request }) => {
        const projectId = await requests.projectIdOf(params.project);
        const { userId } = await requests.userOf(projectId, request);
        return showMe(await profile.update(projectId, userId, body));
      },
    }),
    defineRoute({
      method: "delete",
      path: ME,
      summary: "Delete the user that calls",
      tag: END_USER_TAG,
      auth: "none",
      params: endUserProjectParamsSchema,
      body: endUserDeleteRequestSchema,
      response: { status: 200, schema: endUserSuccessSchema },
      errors: [...TOKEN_ERRORS, "AUTH_INVALID_CREDENTIALS"],
      handler: async ({ params, body, request }) => {
        const projectId = await requests.projectIdOf(params.project);
        const { userId } = await requests.userOf(projectId, request);
        await profile.delete(projectId, userId, body.password);
        return { success: true as const };
      },
    }),
    defineRoute({
      method: "post",
      path: `${ME}/password`,
      summary: "Change the password of the user that calls",
      description: "Ends all other sessions.",
      tag: END_USER_TAG,
      auth: "none",
      params: endUserProjectParamsSchema,
      body: endUserChangePasswordRequestSchema,
      response: { status: 200, schema: endUserSuccessSchema },
      errors: [...TOKEN_ERRORS, "AUTH_INVALID_CREDENTIALS", "AUTH_PASSWORD_WEAK"],
      handler: async ({ params, body, request }) => {
        const user = await requests.userOf(await requests.projectIdOf(params.project), request);
        await profile.changePassword(user, body.currentPassword, body.newPassword);
        return { success: true as const };
      },
    }),
    defineRoute({
      method: "post",
      path: `${ME}/email`,
      summary: "Change the e-mail address of the user that calls",
      description: "Sends a link to the new address, which makes it the user's.",
      tag: END_USER_TAG,
      auth: "none",
      params: endUserProjectParamsSchema,
      body: endUserChangeEmailRequestSchema,
      response: { status: 200, schema: endUserMessageResponseSchema },
      errors: [...TOKEN_ERRORS],
      handler: async ({ params, body: { email, redirectTo }, request }) => {
        const projectId = await requests.projectIdOf(params.project);
        const { userId } = await requests.userOf(projectId, request);
        const { urls } = await settings.of(projectId);
        if (redirectTo !== undefined) requireAllowedRedirect(urls, redirectTo, "redirectTo");
        await requireAllowed(limiter, `end-users:${projectId}:email:${userId}`, END_USER_LIMITS.changeEmailPerUser);
        const user = await users.require(projectId, userId);
        messages.inBackground("changing an address", () =>
          verification.sendForNewAddress(user, email, null, redirectTo),
        );
        return { success: true as const, message: "Open the link that is sent to the new address." };
      },
    }),
    defineRoute({
      method: "post",
      path: `${ME}/upgrade`,
      summary: "Give the anonymous user that calls an address and a password",
      tag: END_USER_TAG,
      auth: "none",
      params: endUserProjectParamsSchema,
      body: endUserUpgradeRequestSchema,
      response: { status: 200, schema: endUserAuthResponseSchema },
      errors: [...TOKEN_ERRORS, "AUTH_USER_EXISTS", "AUTH_PASSWORD_WEAK", "CONFLICT"],
      handler: async (input) => {
        const projectId = await requests.projectIdOf(input.params.project);
        const { userId } = await requests.userOf(projectId, input.request);
        return showSignIn(await anonymous.upgrade(projectId, userId, input.body, requests.callerOf(input)));
      },
    }),
    defineRoute({
      method: "post",
      path: `${ME}/avatar`,
      summary: "Upload a picture of the user that calls",
      description: "At most 5 MB. It is stored as WebP of 512 by 512 pixels, without what else the file holds.",
      tag: END_USER_TAG,
      auth: "none",
      params: endUserProjectParamsSchema,
      rawBody: { contentType: "multipart/form-data", description: "The picture in the field `file`." },
      response: { status: 200, schema: endUserAvatarResponseSchema },
      errors: [...TOKEN_ERRORS, "UNSUPPORTED_MEDIA_TYPE", "REQUEST_TOO_LARGE"],
      handler: async ({ params, request }) => {
        const projectId = await requests.projectIdOf(params.project);
        const { userId } = await requests.userOf(projectId, request);
        const bytes = await readUploadedFile(request, "file", MAX_AVATAR_BYTES);
        const { user, imageId } = await profile.setAvatar(projectId, userId, bytes);
        return { ...showMe(user), avatar_image_id: imageId, message: "The picture is stored." };
      },
    }),
    defineRoute({
      method: "delete",
      path: `${ME}/avatar`,
      summary: "Remove the picture of the user that calls",
      tag: END_USER_TAG,
      auth: "none",
      params: endUserProjectParamsSchema,
      response: { status: 200, schema: endUserMessageResponseSchema },
      errors: [...TOKEN_ERRORS],
      handler: async ({ params, request }) => {
        const projectId = await requests.projectIdOf(params.project);
        const { userId } = await requests.userOf(projectId, request);
        await profile.removeAvatar(projectId, userId);
        return { success: true as const, message: "The picture is removed." };
      },
    }),
    defineRoute({
      method: "get",
      path: `${END_USER_AUTH_PATH}/avatars/:user/:image`,
      summary: "Get a user's picture",
      tag: END_USER_TAG,
      auth: "none",
      params: endUserAvatarParamsSchema,
      response: { status: 200, contentType: AVATAR_CONTENT_TYPE },
      errors: ["NOT_FOUND"],
      handler: async ({ params }) => {
        const projectId = await requests.projectIdOf(params.project);
        const found = await avatars.open(projectId, params.user, params.image);
        if (found === null) throw new AerostackError("NOT_FOUND", { message: "There is no such picture." });
        return new Response(found.content, {
          headers: {
            "content-type": AVATAR_CONTENT_TYPE,
            "content-length": String(found.size),
            "cache-control": `public, max-age=${AVATAR_MAX_AGE_SECONDS}, immutable`,
            "cross-origin-resource-policy": "cross-origin",
          },
        });
      },
    }),
  ];
}

/** The user both as `user` and as the object itself: clients read one or the other. */
function showMe(row: EndUserRow) {
  const user = showEndUser(row);
  return { ...user, user };
}
