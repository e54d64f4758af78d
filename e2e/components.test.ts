import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

// What the product is made of, and what it never does, read from its own files.

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const PACKAGES = readdirSync(join(ROOT, "packages"));

interface Manifest {
  readonly dependencies?: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
  readonly scripts?: Record<string, string>;
}

const read = <Content>(path: string): Content => JSON.parse(readFileSync(join(ROOT, path), "utf8")) as Content;
const MANIFESTS = ["package.json", ...PACKAGES.map((name) => `packages/${name}/package.json`)].map(
  (path) => [path, read<Manifest>(path)] as const,
);

/** Sources that run in production. */
function sourcesOf(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((path) => /\.(?:ts|mjs)$/.test(path) && !/(?:\.test|testing|\.contract)\.(?:ts|mjs)$|^testing\//.test(path))
    .map((path) => join(folder, path));
}
const SOURCES = PACKAGES.flatMap((name) => sourcesOf(`packages/${name}/src`));

describe("components", () => {
  it("are pinned to one version each, and the lock file has a checksum of every one", () => {
    const ranges = MANIFESTS.flatMap(([path, { dependencies, devDependencies, optionalDependencies }]) =>
      Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies })
        .filter(([, version]) => !/^(?:npm:(?:@[\w-]+\/)?[\w-]+@)?\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version))
        .map(([name, version]) => `${path}: ${name} ${version}`),
    );
    expect(ranges).toEqual([]);
    const { packages } = read<{
      packages: Record<string, { link?: boolean; integrity?: string; resolved?: string }>;
    }>("package-lock.json");
    const unchecked = Object.entries(packages).filter(
      ([path, { link, integrity }]) => path.startsWith("node_modules/") && link !== true && integrity === undefined,
    );
    expect(unchecked.map(([path]) => path)).toEqual([]);
    expect(Object.keys(packages).length).toBeGreaterThan(100);
  });

  it("for development alone are left out of what `npm start` installs", () => {
    const root = read<Manifest>("package.json");
    expect(root.scripts?.prestart).toContain("--omit=dev");
    const { packages } = read<{ packages: Record<string, { dev?: boolean; devOptional?: boolean }> }>(
      "package-lock.json",
    );
    const needed = new Set(
      MANIFESTS.flatMap(([, { dependencies, optionalDependencies }]) =>
        Object.keys({ ...dependencies, ...optionalDependencies }),
      ),
    );
    for (const name of ["vitest", "typescript", "@biomejs/biome", "miniflare", "oidc-provider", "playwright-core"]) {
      expect(needed.has(name), name).toBe(false);
      const { dev, devOptional } = packages[`node_modules/${name}`] ?? {};
      expect(dev === true || devOptional === true, name).toBe(true);
    }
  });
});

describe("sources", () => {
  it("of servers start processes with lists of arguments, never through a shell", () => {
    // On Windows npm is a script, so the CLI starts it through a shell there, with arguments of its own.
    const shells = SOURCES.filter((path) => !path.startsWith("packages/cli/")).filter((path) => {
      const text = readFileSync(join(ROOT, path), "utf8");
      const imported = [...text.matchAll(/import \{([^}]*)\} from "(?:node:)?child_process"/g)].flatMap(
        ([, names = ""]) => names.split(",").map((name) => name.trim()),
      );
      return imported.some((name) => /^exec(?:Sync)?\b/.test(name)) || /\bshell:\s*(?!false)/.test(text);
    });
    expect(SOURCES.length).toBeGreaterThan(500);
    expect(shells).toEqual([]);
  });

  it("put nothing of a request into the script of a page", () => {
    const pages = SOURCES.filter((path) => /script:\s*[A-Z]/.test(readFileSync(join(ROOT, path), "utf8"))).filter(
      (path) => path.includes("/setup/") || path.includes("/support/"),
    );
    expect(pages.length).toBeGreaterThanOrEqual(4);
    for (const path of sourcesOf("packages/server/src/setup")) {
      const text = readFileSync(join(ROOT, path), "utf8");
      // What a script is made of are other scripts of ours, whose names are in capitals.
      for (const [, script = ""] of text.matchAll(/SCRIPT = `([\s\S]*?)^`;/gm)) {
        const inserted = [...script.matchAll(/\$\{([^}]*)\}/g)].map(([, what = ""]) => what);
        expect(
          inserted.filter((what) => !/^[A-Z_]+$/.test(what)),
          path,
        ).toEqual([]);
      }
    }
  });
});
