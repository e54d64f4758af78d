import { Readable } from "node:stream";
import { deployConfigSchema } from "@aerostack/contracts";
import type { BundleStore } from "./bundle-store.ts";
import type { FunctionService, ProjectRef } from "./service.ts";

const NAME = "hello";
const COMPATIBILITY_DATE = "2026-06-01";

/** What a first project answers with: a function that shows its database at work. */
const SOURCE = `export default {
  async fetch(request, env) {
    await env.DB.prepare("CREATE TABLE IF NOT EXISTS visits (id INTEGER PRIMARY KEY, at TEXT NOT NULL)").run();
    await env.DB.prepare("INSERT INTO visits (at) VALUES (?)").bind(new Date().toISOString()).run();
    const { visits } = await env.DB.prepare("SELECT count(*) AS visits FROM visits").first();
    return Response.json({ message: "Hello from your first function.", visits });
  },
};
`;

/** Deploys the first function of a new account; resolves with its name. */
export async function deployStarter(
  functions: FunctionService,
  bundles: BundleStore,
  project: ProjectRef,
  actor: string,
): Promise<string> {
  const files = bundles.open();
  const stored = await files.put(Readable.from([Buffer.from(SOURCE)]), SOURCE.length * 2);
  const form = {
    environment: "production" as const,
    projectId: project.id,
    functionName: NAME,
    isPublic: false,
    compatibilityDate: COMPATIBILITY_DATE,
    compatibilityFlags: [],
    config: deployConfigSchema.parse({ message: "Starter function" }),
    modules: [{ name: "worker.js", type: "esm" as const, ...stored }],
    assets: [],
  };
  try {
    const { record } = await functions.deploy(project, form, actor);
    return record.name;
  } finally {
    await files.close();
  }
}
