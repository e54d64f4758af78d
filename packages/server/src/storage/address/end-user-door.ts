import type { IncomingMessage, ServerResponse } from "node:http";
import { extname } from "node:path";
import { AerostackError, type endUserUploadResponseSchema } from "@aerostack/contracts";
import { createUuid } from "@aerostack/kernel";
import type { z } from "zod";
import { tokenRefusal } from "../../endusers/sessions/token-refusal.ts";
import type { RateVerdict } from "../../kernel/limiter/rate-window.ts";
import { toIso } from "../../kernel/page.ts";
import { checkObjectKey } from "../object-key.ts";
import { contentTypeOf } from "../reading/content-headers.ts";
import { MAIN_BUCKET, plainAttributes, type StorageService } from "../service.ts";
import { type UploadForm, uploadByForm } from "../upload-form.ts";
import type { ObjectUrls } from "./object-urls.ts";
import { type FindStorageProject, requireAllowed, type ServedRequest, type StorageProject } from "./public-door.ts";

/** Who an access token of a project's user stands for; null when it is not valid. */
export type FindEndUser = (
  projectId: string,
  token: string,
) => { readonly userId: string } | null | Promise<{ readonly userId: string } | null>;

export interface EndUserDoorOptions {
  readonly storage: StorageService;
  readonly urls: ObjectUrls;
  readonly findProject: FindStorageProject;
  readonly findEndUser: FindEndUser;
  readonly countCall: (projectId: string, ip: string) => RateVerdict;
  readonly now: () => number;
}

const PATH = /^\/api\/v1\/projects\/([^/?]+)\/storage\/upload(?:\?|$)/;
/** Names the user who stored an object: nobody else may put another in its place. */
const OWNER = "end-user";
const SIGNED_URL_SECONDS = 60 * 60;
const MAX_EXTENSION = 16;

export function isEndUserUpload(url: string): boolean {
  return PATH.test(url);
}

/**
 * `POST /api/v1/projects/<slug>/storage/upload`: files of a project's users. They lie below `projects/<slug>/`, apart from
 * what the project itself stores, and belong to whoever stored them.
 */
export function createEndUserDoor(options: EndUserDoorOptions) {
  const { storage, urls } = options;

  function keyFor(project: StorageProject, form: UploadForm, generated: string): string {
    const given = form.fields.path;
    const ending = extname(form.fileName ?? "").slice(0, MAX_EXTENSION);
    const path = given === undefined || given === "" ? `${generated}${/^\.\w+$/.test(ending) ? ending : ""}` : given;
    return checkObjectKey(`projects/${project.slug}/${checkObjectKey(path)}`);
  }

  async function upload(req: IncomingMessage, project: StorageProject, userId: string) {
    const name = { projectId: project.id, bucket: MAIN_BUCKET };
    const generated = createUuid(options.now());
    const object = await uploadByForm(req, {
      storage,
      name,
      async targetOf(form, isComplete) {
        // The path may come after the file.
        if (form.fields.path === undefined && !isComplete) return undefined;
        const { contentType, public: isPublic } = form.fields;
        const key = keyFor(project, form, generated);
        const there = await storage.head(name, key);
        if (there !== null && there.customMetadata[OWNER] !== userId) {
          throw new AerostackError("CONFLICT", {
            message: "There is a file of somebody else at this path.",
            fix: "Choose another path, or leave it out to be given one.",
          });
        }
        const attributes = plainAttributes(contentType || form.partType, isPublic !== "false");
        return {
          key,
          attributes: { ...attributes, customMetadata: { [OWNER]: userId } },
        };
      },
    });
    const url = object.isPublic
      ? urls.publicUrl(project.slug, MAIN_BUCKET, object.key)
      : urls.signedUrl(project.slug, { method: "GET", ...name, key: object.key }, SIGNED_URL_SECONDS).url;
    return {
      url,
      key: object.key,
      size: object.size,
      contentType: contentTypeOf(object),
      createdAt: toIso(object.uploadedAt),
    } satisfies z.input<typeof endUserUploadResponseSchema>;
  }

  return async function serve(
    req: IncomingMessage,
    res: ServerResponse,
    caller: { readonly ip: string },
    served: ServedRequest,
  ): Promise<void> {
    res.setHeader("access-control-allow-origin", "*");
    if (req.method === "OPTIONS") {
      res.writeHead(204, {
        "access-control-allow-methods": "POST, OPTIONS",
        "access-control-allow-headers": "authorization, content-type",
        "access-control-max-age": "86400",
      });
      res.end();
      return;
    }
    if (req.method !== "POST") {
      res.setHeader("allow", "POST, OPTIONS");
      throw new AerostackError("METHOD_NOT_ALLOWED", { message: "This address answers POST only." });
    }
    const ref = PATH.exec(req.url ?? "")?.[1] ?? "";
    const project = await options.findProject(decodeRef(ref));
    const [, token] = /^bearer +(\S+)$/i.exec(req.headers.authorization ?? "") ?? [];
    const user = project === null || token === undefined ? null : await options.findEndUser(project.id, token);
    // The same for a project that does not exist: it has no users.
    if (project === null || user === null) throw unauthorized(token, options.now());
    served.projectId = project.id;
    requireAllowed(res, options.countCall(project.id, caller.ip), options.now());
    const body = JSON.stringify(await upload(req, project, user.userId).catch(asDocumented));
    res.writeHead(200, {
      "content-type": "application/json; charset=utf-8",
      "content-length": Buffer.byteLength(body),
      "cache-control": "no-store",
    });
    res.end(body);
  };
}

/** With the one code that clients of this address know; the details tell a token that has run out from one that never was. */
function unauthorized(token: string | undefined, nowMs: number): AerostackError {
  if (token === undefined) return new AerostackError("UNAUTHORIZED");
  const { code, message, fix } = tokenRefusal(token, nowMs);
  return new AerostackError("UNAUTHORIZED", { message, fix, details: { code } });
}

/** The codes that clients of this address know. */
function asDocumented(error: unknown): never {
  if (error instanceof AerostackError && error.code === "STORAGE_FILE_TOO_LARGE") {
    throw new AerostackError("FILE_TOO_LARGE");
  }
  const fields = error instanceof AerostackError ? error.details?.fieldErrors : undefined;
  if (typeof fields === "object" && fields !== null && "file" in fields) throw new AerostackError("MISSING_FILE");
  throw error;
}

function decodeRef(ref: string): string {
  try {
    return decodeURIComponent(ref);
  } catch {
    return "";
  }
}
