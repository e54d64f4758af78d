import {
  AerostackError,
  organisationParamsSchema,
  pictureParamsSchema,
  pictureResponseSchema,
  successSchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../../edge/define-route.ts";
import { readBytes } from "../../kernel/read-body.ts";
import { PICTURES_PATH, pictureAddress } from "./picture-address.ts";
import type { Pictures } from "./pictures.ts";

const ACCOUNT_PATH = "/api/auth/avatar";
const ORGANISATION_PATH = "/api/v1/organisations/:organisation/logo";
export const MAX_PICTURE_BYTES = 5 * 1024 * 1024;
/** An address names one picture for ever, but who removes it need not wait for ever. */
const MAX_AGE_SECONDS = 7 * 24 * 60 * 60;
const PICTURE = /^image\/[\w.+-]+$/i;
const rawBody = { contentType: "image/*", description: "JPEG, PNG, WebP, AVIF, GIF or TIFF." } as const;
const description =
  "At most 5 MB. A square of 256 by 256 pixels is drawn from its middle and kept as WebP, without what else the file holds. 20 an hour.";
const errors = ["UNSUPPORTED_MEDIA_TYPE", "REQUEST_TOO_LARGE", "STORAGE_FILE_TOO_LARGE"] as const;

export function pictureRoutes(pictures: Pictures): readonly Route[] {
  return [
    defineRoute({
      method: "put",
      path: ACCOUNT_PATH,
      summary: "Set the account's picture",
      description,
      tag: "Accounts",
      auth: "account",
      rawBody,
      response: { status: 200, schema: pictureResponseSchema },
      errors,
      handler: async ({ principal, request }) =>
        show(await pictures.set({ kind: "account", id: principal.accountId }, await readPicture(request))),
    }),
    defineRoute({
      method: "delete",
      path: ACCOUNT_PATH,
      summary: "Remove the account's picture",
      tag: "Accounts",
      auth: "account",
      response: { status: 200, schema: successSchema },
      handler: async ({ principal }) => {
        await pictures.remove({ kind: "account", id: principal.accountId });
        return { success: true as const };
      },
    }),
    defineRoute({
      method: "put",
      path: ORGANISATION_PATH,
      summary: "Set an organisation's logo",
      description,
      tag: "Organisations",
      auth: "account",
      permission: "organisation.write",
      params: organisationParamsSchema,
      rawBody,
      response: { status: 200, schema: pictureResponseSchema },
      errors,
      handler: async ({ organisation, request }) =>
        show(await pictures.set({ kind: "organisation", id: organisation.id }, await readPicture(request))),
    }),
    defineRoute({
      method: "delete",
      path: ORGANISATION_PATH,
      summary: "Remove an organisation's logo",
      tag: "Organisations",
      auth: "account",
      permission: "organisation.write",
      params: organisationParamsSchema,
      response: { status: 200, schema: successSchema },
      handler: async ({ organisation }) => {
        await pictures.remove({ kind: "organisation", id: organisation.id });
        return { success: true as const };
      },
    }),
    defineRoute({
      method: "get",
      path: `${PICTURES_PATH}/:picture`,
      summary: "Get the picture of an account or organisation",
      description: "For whoever knows its address, which nobody guesses. Every upload has another one.",
      tag: "Accounts",
      auth: "none",
      params: pictureParamsSchema,
      response: { status: 200, contentType: "image/webp" },
      errors: ["NOT_FOUND"],
      handler: async ({ params, request }) => {
        const picture = await pictures.read(params.picture);
        if (picture === null) throw new AerostackError("NOT_FOUND", { message: "There is no such picture." });
        const etag = `"${params.picture}"`;
        const headers = {
          "content-type": "image/webp",
          "cache-control": `public, max-age=${MAX_AGE_SECONDS}, immutable`,
          "cross-origin-resource-policy": "cross-origin",
          etag,
        };
        const known = request.headers.get("if-none-match")?.split(",") ?? [];
        if (known.some((one) => one.trim().replace(/^W\//, "") === etag)) {
          return new Response(null, { status: 304, headers });
        }
        return new Response(new Uint8Array(picture), {
          headers: { ...headers, "content-length": String(picture.length) },
        });
      },
    }),
  ];
}

function show(pictureId: string) {
  return { url: pictureAddress(pictureId) ?? "" };
}

/** @throws UNSUPPORTED_MEDIA_TYPE · REQUEST_TOO_LARGE */
async function readPicture(request: Request): Promise<Uint8Array> {
  if (!PICTURE.test((request.headers.get("content-type") ?? "").split(";")[0]?.trim() ?? "")) {
    throw new AerostackError("UNSUPPORTED_MEDIA_TYPE", {
      message: "The body must be a picture.",
      fix: "Send the file itself, with its type, such as 'Content-Type: image/png'.",
    });
  }
  return await readBytes(request, MAX_PICTURE_BYTES);
}
