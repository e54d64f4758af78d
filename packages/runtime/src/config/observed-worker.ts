import { init, parse } from "es-module-lexer";
import type { FunctionSpec } from "../types.ts";
import { esModule, freeName } from "./generated-module.ts";
import type { WorkerdModule } from "./workerd-config.ts";

/** Modules that the process offers to the generated ones below. */
export const OBSERVE_MODULE = "aerostack:observe";
export const FORMAT_MODULE = "aerostack-internal:format-line";
export const WATCH_MODULE = "aerostack-internal:watch-callbacks";
export const TELL_MODULE = "aerostack-internal:tell-failures";

/**
 * What gives code a way past the observer: classes that the runtime makes itself and waitUntil() (`cloudflare:workers`),
 * and timers that are not the global ones.
 */
const WAYS_PAST = [/cloudflare:workers/, /["'`](?:node:)?timers["'`]/];
/** Under this flag the names of modules are resolved otherwise. */
const OTHER_REGISTRY = "new_module_registry";

/** What a project may log. */
export interface LogLimits {
  readonly linesPerSecond: number;
  readonly burst: number;
}

/**
 * The modules of a function with the observer before them, or null where something would escape it; then a tail worker
 * listens. It is enough that the main module has nothing but a default export, which is found by reading, not by running it.
 */
export async function observedModules(
  spec: FunctionSpec,
  modules: readonly WorkerdModule[],
  limits: LogLimits,
): Promise<readonly WorkerdModule[] | null> {
  const main = modules[0];
  if (main?.type !== "esm" || spec.compatibilityFlags.includes(OTHER_REGISTRY)) return null;
  const sources = modules.filter((module) => module.type === "esm" || module.type === "commonjs").map(sourceOf);
  if (sources.some((source) => WAYS_PAST.some((way) => way.test(source)))) return null;
  if (!(await hasOnlyDefaultExport(sourceOf(main)))) return null;
  const taken = new Set(modules.map((module) => module.name));
  const start = freeName("start.js", taken);
  return [
    esModule(
      freeName("observed.js", taken),
      `import { observe } from ${JSON.stringify(OBSERVE_MODULE)};
       import ${JSON.stringify(`/${start}`)};
       import worker from ${JSON.stringify(`/${main.name}`)};
       export default observe(worker);`,
    ),
    // A module of its own, because imports run before anything that the importing module does itself.
    esModule(
      start,
      `import { start } from ${JSON.stringify(OBSERVE_MODULE)};
       start(${JSON.stringify(spec.key)}, ${JSON.stringify(limits)}, ${lacksWeakReferences(spec)});`,
    ),
    ...modules,
  ];
}

const WEAK_REFERENCES = "enable_weak_ref";
/** From this compatibility date on code has them anyway, and the runtime refuses the flag. */
const WEAK_REFERENCES_SINCE = "2025-05-05";

/** Whether a function's code has no weak references, with which the observer finds promises that can never end. */
function lacksWeakReferences({ compatibilityDate, compatibilityFlags }: FunctionSpec): boolean {
  return compatibilityDate < WEAK_REFERENCES_SINCE && !compatibilityFlags.some((flag) => flag.endsWith("_weak_ref"));
}

/** The flags that an observed function is loaded with: its own, and what the observer needs; that hides the difference. */
export function observedFlags(spec: FunctionSpec): readonly string[] {
  return lacksWeakReferences(spec) ? [...spec.compatibilityFlags, WEAK_REFERENCES] : spec.compatibilityFlags;
}

async function hasOnlyDefaultExport(source: string): Promise<boolean> {
  await init;
  try {
    const [imports, exports] = parse(source);
    const passesOn = imports.some(({ ss, se }) => /^export\s*\*/.test(source.slice(ss, se)));
    return !passesOn && exports.length === 1 && exports[0]?.n === "default";
  } catch {
    // A syntax error, which the runtime itself explains.
    return false;
  }
}

function sourceOf(module: WorkerdModule): string {
  return Buffer.from(module.content).toString("utf8");
}
