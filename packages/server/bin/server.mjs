// Starts the server from a bundle of its TypeScript sources with Node's compile cache on: the second start neither strips
// types nor compiles. The cache is derived data beside the installed dependencies.
import { enableCompileCache, flushCompileCache } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { serverEntry } from "./bundle.mjs";

const cacheDirectory = fileURLToPath(new URL("../../../node_modules/.cache/aerostack", import.meta.url));
process.env.NODE_COMPILE_CACHE ??= cacheDirectory;
enableCompileCache(process.env.NODE_COMPILE_CACHE);

await import(pathToFileURL(serverEntry()).href);
flushCompileCache();
