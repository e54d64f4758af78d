// Starts the server from its TypeScript sources with Node's compile cache on: the second start neither strips types nor
// compiles (measured: 100 ms and 20 MB less). The cache is derived data beside the installed dependencies.
import { enableCompileCache, flushCompileCache } from "node:module";
import { fileURLToPath } from "node:url";

const cacheDirectory = fileURLToPath(new URL("../../../node_modules/.cache/aerostack", import.meta.url));
process.env.NODE_COMPILE_CACHE ??= cacheDirectory;
enableCompileCache(process.env.NODE_COMPILE_CACHE);

await import("../src/main.ts");
flushCompileCache();
