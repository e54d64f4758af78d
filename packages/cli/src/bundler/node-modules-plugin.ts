import type { Plugin } from "esbuild";
import type { NodeSupport } from "./node-modules-available.ts";

const REQUIRED_NAMESPACE = "node-required";
const ABSENT_NAMESPACE = "node-absent";

/**
 * Stands in for a module that the runtime does not have. Whatever is read from it can be called, constructed, extended
 * and read again, and does nothing: packages ask for `os` or `tty` in branches that a function never takes. Named imports
 * look members up along the prototype chain, hence the extra object.
 */
const NOTHING = `
const nothing = new Proxy(function () {}, {
  get: (target, key) =>
    key === "prototype" ? target.prototype : typeof key === "symbol" || key === "then" || key === "__esModule" ? undefined : nothing,
  apply: () => undefined,
  construct: () => ({}),
});
module.exports = Object.create(nothing);
`;

export interface NodeModulesPluginOptions {
  readonly support: NodeSupport;
  /** A module of Node's that was replaced by nothing, and the file that asks for it. */
  readonly onAbsent: (name: string, importer: string) => void;
}

/** Leaves what the runtime has external, spelled `node:…`; replaces what it does not have. */
export function nodeModulesPlugin({ support, onAbsent }: NodeModulesPluginOptions): Plugin {
  return {
    name: "node-modules",
    setup(build) {
      build.onResolve(
        { filter: /^(?:node:)?[a-z][a-z0-9_]*(?:\/[a-z0-9_]+)?$/ },
        ({ path, kind, importer, namespace }) => {
          const name = path.replace(/^node:/, "");
          if (!path.startsWith("node:") && !support.isBuiltin(name)) return undefined;
          if (!support.enabled && kind !== "require-call" && kind !== "require-resolve") {
            const text = `"${path}" is a module of Node's, which this function does not ask for. Add compatibility_flags = ["nodejs_compat"].`;
            return { errors: [{ text }] };
          }
          if (!support.isAvailable(name)) {
            onAbsent(name, importer);
            return { path: name, namespace: ABSENT_NAMESPACE };
          }
          // require() of an external would become a call that throws; an import of its own makes it static.
          if (kind === "require-call" && namespace !== REQUIRED_NAMESPACE)
            return { path: name, namespace: REQUIRED_NAMESPACE };
          return { path: `node:${name}`, external: true };
        },
      );
      build.onLoad({ filter: /.*/, namespace: REQUIRED_NAMESPACE }, ({ path }) => ({
        contents: `import library from "node:${path}"; module.exports = library;`,
        loader: "js",
      }));
      build.onLoad({ filter: /.*/, namespace: ABSENT_NAMESPACE }, () => ({ contents: NOTHING, loader: "js" }));
    },
  };
}
