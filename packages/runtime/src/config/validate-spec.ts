import { AerostackError } from "@aerostack/contracts";
import type { FunctionSpec, ProjectSpec } from "../types.ts";

const MAX_MODULE_NAME_LENGTH = 512;
/** Prefixes under which the runtime itself offers modules. */
const RESERVED_MODULE = /^(?:aerostack|aerostack-internal|cloudflare-internal|cloudflare|node|workerd):/;
/** Flags that workerd marks as experimental or that make it download an interpreter: not for untrusted code. */
const REFUSED_FLAG =
  /^(?:experimental|unsafe_module|rtti_api|service_binding_extra_handlers|enable_web_file_system|enable_nodejs_inspector_local_dev)$|python/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: module names with control characters are what is refused
const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f]/;

function refuse(spec: FunctionSpec, problem: string, fix?: string): never {
  throw new AerostackError("FUNCTION_START_FAILED", {
    message: `The function '${spec.name}' does not start: ${problem}`,
    ...(fix === undefined ? {} : { fix }),
  });
}

function validateModules(spec: FunctionSpec): void {
  const main = spec.modules[0];
  if (main === undefined) refuse(spec, "its bundle has no module.");
  if (main.type !== "esm") refuse(spec, `its main module '${main.name}' is not an ES module.`);
  const names = new Set<string>();
  for (const { name } of spec.modules) {
    if (name === "" || name.length > MAX_MODULE_NAME_LENGTH || CONTROL_CHARACTERS.test(name)) {
      refuse(spec, "it has a module whose name is empty, too long or not printable.");
    }
    if (RESERVED_MODULE.test(name)) refuse(spec, `the module name '${name}' belongs to the runtime.`);
    if (names.has(name)) refuse(spec, `it has two modules named '${name}'.`);
    names.add(name);
  }
}

function validateBindings(spec: FunctionSpec): void {
  const { config } = spec;
  const named = [
    ...config.d1Databases,
    ...config.kvNamespaces,
    ...config.r2Buckets,
    ...config.queueProducers,
    ...config.services,
    ...config.durableObjects,
    ...(config.assets === undefined ? [] : [config.assets]),
  ].map(({ binding }) => binding);
  const seen = new Set<string>(Object.keys(config.vars));
  for (const name of named) {
    if (seen.has(name)) refuse(spec, `two of its bindings or variables are named '${name}'.`, "Rename one of them.");
    seen.add(name);
  }
}

function validateServices(spec: FunctionSpec, functions: readonly FunctionSpec[]): void {
  for (const { binding, service } of spec.config.services) {
    if (findTarget(spec, service, functions) === undefined) {
      refuse(
        spec,
        `its binding '${binding}' refers to the function '${service}', which is not deployed to ${spec.environment}.`,
        `Deploy '${service}' to ${spec.environment} first.`,
      );
    }
  }
}

/** The version of another function that a service binding of `from` reaches: of the same rollout where there is one. */
export function findTarget(
  from: FunctionSpec,
  name: string,
  functions: readonly FunctionSpec[],
): FunctionSpec | undefined {
  const versions = functions.filter((one) => one.name === name && one.environment === from.environment);
  // A function that binds itself means the very version it is.
  const self = versions.find((one) => one.key === from.key);
  if (self !== undefined) return self;
  const rollout = from.rollout ?? "stable";
  return versions.find((one) => (one.rollout ?? "stable") === rollout) ?? newest(versions);
}

/**
 * The version that owns a Durable Object class where several versions of a function run side by side: an object must
 * exist once. The newest version that is not being tried out owns it; the others reach it there.
 */
export function findOwner(
  from: FunctionSpec,
  className: string,
  functions: readonly FunctionSpec[],
): FunctionSpec | undefined {
  const versions = functions.filter(
    (one) =>
      one.name === from.name &&
      one.environment === from.environment &&
      one.config.durableObjects.some((entry) => entry.className === className),
  );
  return newest(versions.filter((one) => one.rollout !== "candidate")) ?? newest(versions);
}

function newest(versions: readonly FunctionSpec[]): FunctionSpec | undefined {
  return versions.toSorted((a, b) => b.versionNumber - a.versionNumber)[0];
}

/**
 * Refuses what would not start, or start with something other than was asked for, in words that its author understands.
 *
 * @throws FUNCTION_START_FAILED
 */
export function validateSpec(project: ProjectSpec): void {
  const keys = new Set<string>();
  for (const spec of project.functions) {
    if (keys.has(spec.key)) refuse(spec, `two functions have the key '${spec.key}'.`);
    keys.add(spec.key);
    validateModules(spec);
    validateBindings(spec);
    validateServices(spec, project.functions);
    const flag = spec.compatibilityFlags.find((one) => REFUSED_FLAG.test(one));
    if (flag !== undefined) refuse(spec, `the compatibility flag '${flag}' is not available here.`);
  }
}

/** workerd only warns of a class that is missing, and fails each call of it with an internal error. */
const MISSING_CLASS = /referenced the class "([^"]+)", but no such Durable Object class is exported/;

/**
 * @param output what a process wrote that started with this specification
 * @throws FUNCTION_START_FAILED when a Durable Object class is not exported
 */
export function assertClassesExported(project: ProjectSpec, output: string): void {
  const className = MISSING_CLASS.exec(output)?.[1];
  if (className === undefined) return;
  for (const spec of project.functions) {
    const entry = spec.config.durableObjects.find((one) => one.className === className);
    if (entry === undefined) continue;
    refuse(
      spec,
      `its binding '${entry.binding}' refers to the Durable Object class '${className}', which it does not export.`,
      `Export a class '${className}' that extends DurableObject from the main module.`,
    );
  }
}
