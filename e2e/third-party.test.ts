import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundleProgram, PROGRAM_COMPATIBILITY_DATE } from "./harness/bundle-program.ts";
import { createDeveloper, type Developer, type Project } from "./harness/developer.ts";
import { type ServerProcess, startServer, UNLIMITED } from "./harness/server-process.ts";
import { drizzleD1 } from "./programs/drizzle-d1.ts";
import { honoApp } from "./programs/hono-app.ts";
import { ittyRouterApp } from "./programs/itty-router-app.ts";
import { joseTokens } from "./programs/jose-tokens.ts";
import { kyselyD1 } from "./programs/kysely-d1.ts";
import { nodeCompat } from "./programs/node-compat.ts";
import { resvgImage } from "./programs/resvg-image.ts";
import type { CallProgram } from "./programs/third-party-program.ts";
import { zodForms } from "./programs/zod-forms.ts";

// Programs that nobody here wrote, from the npm registry, bundled and deployed as a user deploys them.
const PROGRAMS = [honoApp, ittyRouterApp, drizzleD1, kyselyD1, zodForms, joseTokens, resvgImage, nodeCompat];

let server: ServerProcess;
let developer: Developer;
let project: Project;

beforeAll(async () => {
  server = await startServer({ env: UNLIMITED });
  developer = await createDeveloper(server);
  project = await developer.createProject("third parties");
});
afterAll(async () => {
  await server?.dispose();
});

describe.each(PROGRAMS)("$name", (program) => {
  const call: CallProgram = (path, init) => fetch(developer.functionUrl(project, program.name, path), init);

  beforeAll(async () => {
    const bundle = await bundleProgram(program.name, program.compatibilityFlags ?? []);
    for (const [name, value] of Object.entries(program.secrets ?? {})) {
      await developer.setSecret(project, name, value);
    }
    const deployed = await developer.deploy(project, {
      ...bundle,
      name: program.name,
      isPublic: true,
      compatibilityDate: PROGRAM_COMPATIBILITY_DATE,
      compatibilityFlags: program.compatibilityFlags ?? [],
      config: program.config ?? {},
    });
    expect(deployed.version.number).toBe(1);
  });

  test.each(Object.entries(program.guarantees))("%s", async (_name, hold) => {
    await hold(call);
  });
});
