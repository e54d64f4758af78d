// Runs after an install: reads the modules that the server and the data host are made of, so that their compiled forms are
// in the cache before the first start. Without it the first processes carry the type stripper with them (20 MB each).
import { enableCompileCache, flushCompileCache } from "node:module";
import { fileURLToPath } from "node:url";

enableCompileCache(fileURLToPath(new URL("../../../node_modules/.cache/aerostack", import.meta.url)));
await Promise.all([
  import("../src/control-plane.ts"),
  import("../src/project-plane.ts"),
  import("../src/edge/create-app.ts"),
  import("../src/edge/http-server.ts"),
  import("../../datahost/src/host.ts"),
]);
flushCompileCache();
