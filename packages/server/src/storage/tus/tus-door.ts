import type { IncomingMessage, ServerResponse } from "node:http";
import type { RateVerdict } from "../../kernel/limiter/rate-window.ts";
import { type FindStorageProject, requireAllowed, type ServedRequest } from "../address/public-door.ts";
import { type BodyPieces, createBodyPieces } from "./body-pieces.ts";
import { noSuchUpload, parseUploadPath } from "./concatenation.ts";
import { TUS_CAPABILITIES, TUS_CORS, TUS_METHODS, TUS_PREFIX, type TusUploads } from "./tus-uploads.ts";

export interface TusDoorOptions {
  readonly uploads: TusUploads;
  readonly findProject: FindStorageProject;
  readonly countCall: (projectId: string, ip: string) => RateVerdict;
  readonly now: () => number;
}

export function isTus(url: string): boolean {
  return url.startsWith(TUS_PREFIX);
}

/** Answers a browser's question before a request, and a client's for what is spoken here. */
export function answerTusOptions(req: IncomingMessage, res: ServerResponse): void {
  res.writeHead(204, {
    ...TUS_CAPABILITIES,
    ...TUS_CORS,
    "access-control-allow-methods": TUS_METHODS,
    "access-control-allow-headers": req.headers["access-control-request-headers"] ?? "*",
    "access-control-max-age": "86400",
  });
  res.end();
}

/**
 * `/tus/<project>.<bucket>/<upload>`: uploads that have begun. Their address is the right to go on with them: it is as hard
 * to guess as a key, was told to whoever began them, and opens nothing else.
 */
export function createTusDoor({ uploads, findProject, countCall, now }: TusDoorOptions) {
  return async function serve(
    req: IncomingMessage,
    res: ServerResponse,
    caller: { readonly ip: string },
    served: ServedRequest,
  ): Promise<void> {
    if (req.method === "OPTIONS") {
      answerTusOptions(req, res);
      return;
    }
    for (const [name, value] of Object.entries(TUS_CORS)) res.setHeader(name, value);
    const body = createBodyPieces(req);
    try {
      await go(req, res, body, caller, served);
    } finally {
      body.discard();
    }
  };

  async function go(
    req: IncomingMessage,
    res: ServerResponse,
    body: BodyPieces,
    caller: { readonly ip: string },
    served: ServedRequest,
  ): Promise<void> {
    const named = parseUploadPath((req.url ?? "").split("?")[0] ?? "");
    const project = named === undefined ? null : await findProject(named.project);
    if (named === undefined || project === null) return noSuchUpload();
    const { bucket, uploadId } = named;
    served.projectId = project.id;
    requireAllowed(res, countCall(project.id, caller.ip), now());
    await uploads.serve(req, res, body, { projectId: project.id, bucket }, uploadId);
  }
}
