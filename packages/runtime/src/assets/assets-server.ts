import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { BINDING_HEADER, TOKEN_HEADER } from "../config/build-config.ts";
import type { ProcessRegistry } from "../process/process-registry.ts";
import type { FunctionSpec } from "../types.ts";
import { buildAssetManifest } from "./asset-manifest.ts";
import { type AssetSite, createAssetSite } from "./asset-site.ts";
import { sendAsset } from "./send-asset.ts";

export interface AssetsServerOptions {
  readonly registry: ProcessRegistry;
  readonly onError: (error: unknown) => void;
}

const ASSETS_PREFIX = "assets:";

/** Answers the ASSETS bindings of all processes, and the Cache API, which keeps nothing: every look-up misses. */
export function createAssetsServer(options: AssetsServerOptions): Server {
  // A specification is never changed, and lives as long as a process runs it.
  const sites = new WeakMap<FunctionSpec, Promise<AssetSite>>();

  function siteOf(spec: FunctionSpec): Promise<AssetSite> | undefined {
    if (spec.config.assets === undefined) return undefined;
    let site = sites.get(spec);
    if (site === undefined) {
      site = createAssetSite(buildAssetManifest(spec.assets ?? []), spec.config.assets);
      sites.set(spec, site);
    }
    return site;
  }

  async function answerAsset(req: IncomingMessage, res: ServerResponse, spec: FunctionSpec | undefined): Promise<void> {
    const site = spec === undefined ? undefined : await siteOf(spec);
    const { method = "GET", url = "/", headers } = req;
    const answer = site?.answer({ method, target: url, host: headers.host ?? "", headers }) ?? null;
    if (answer === null) res.writeHead(404, { "content-type": "text/plain; charset=utf-8" }).end("Not found");
    else sendAsset(res, answer);
  }

  return createServer({ requireHostHeader: false }, (req, res) => {
    const sender = options.registry.find(req.headers[TOKEN_HEADER]);
    const binding = req.headers[BINDING_HEADER];
    req.resume();
    if (sender === undefined || typeof binding !== "string") {
      res.writeHead(403).end();
    } else if (binding === "cache") {
      answerCache(req, res);
    } else {
      const key = binding.slice(ASSETS_PREFIX.length);
      answerAsset(
        req,
        res,
        sender.spec.functions.find((one) => one.key === key),
      ).catch((error: unknown) => {
        options.onError(error);
        if (!res.headersSent) res.writeHead(500).end();
      });
    }
  });
}

/** 504 to `only-if-cached` is a miss (RFC 9111, section 5.2.1.7); what is put is accepted and forgotten. */
function answerCache(req: IncomingMessage, res: ServerResponse): void {
  if (req.method === "GET") res.writeHead(504, { "cf-cache-status": "MISS" }).end();
  else if (req.method === "PUT") res.writeHead(204).end();
  else res.writeHead(404).end();
}
