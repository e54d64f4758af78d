import type { FunctionEnvironment } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import type { AssetSite } from "@aerostack/runtime";
import type { ProjectActivation } from "./project-activation.ts";
import { type ActiveFunction, functionKey } from "./types.ts";

/** One version of a function that takes a share of its calls. */
export interface RouteVariant {
  /** Names the version to the runtime. */
  readonly key: string;
  readonly versionNumber: number;
  readonly percent: number;
  readonly active: ActiveFunction;
  /** Its static files, where it has any. */
  readonly site: VersionSite | null;
}

export interface FunctionRoute {
  readonly projectId: string;
  readonly projectSlug: string;
  readonly functionName: string;
  readonly environment: FunctionEnvironment;
  readonly isPublic: boolean;
  readonly variants: readonly RouteVariant[];
}

export interface RoutedProject {
  readonly id: string;
  readonly slug: string;
  /** Id of the account that owns the project. */
  readonly ownerId: string;
  readonly organisationId: string;
  readonly functions: ReadonlyMap<string, FunctionRoute>;
}

export interface RouteTable {
  /** The project of a slug or id: at once when it was looked up within the last second. */
  project(ref: string): RoutedProject | null | Promise<RoutedProject | null>;
  /** What is known of the project is out of date. */
  invalidate(projectId: string): void;
}

export interface RouteTableOptions {
  readonly clock: Clock;
  readonly findProject: (ref: string) => Promise<Omit<RoutedProject, "functions"> | null>;
  readonly activation: ProjectActivation;
  readonly siteOf: SiteOf;
}

/**
 * A version's static files as two kinds of request see them: a page that somebody opens may be answered by the fall-back
 * (`index.html` or `404.html`); anything else is answered by a file that is there, or is the function's.
 */
export interface VersionSite {
  readonly pages: AssetSite;
  readonly files: AssetSite;
}

/** The static files of a version, or null. */
export type SiteOf = (active: ActiveFunction) => VersionSite | null | Promise<VersionSite | null>;

/** Longest time that a change made by another node stays unseen here. */
const FRESH_MS = 1000;
/** Bound on remembered look-ups, absent projects included, so that made-up names cannot fill the memory. */
const MAX_ENTRIES = 20_000;

export function routeName(functionName: string, environment: FunctionEnvironment): string {
  return environment === "production" ? functionName : `${functionName}@${environment}`;
}

async function routesOf(
  active: readonly ActiveFunction[],
  slug: string,
  siteOf: SiteOf,
): Promise<Map<string, FunctionRoute>> {
  const routes = new Map<string, FunctionRoute & { variants: RouteVariant[] }>();
  for (const one of active) {
    const name = routeName(one.record.name, one.environment);
    const variant: RouteVariant = {
      key: functionKey(one.record.name, one.environment, one.version.number),
      versionNumber: one.version.number,
      percent: one.percent,
      active: one,
      site: await siteOf(one),
    };
    const route = routes.get(name);
    if (route !== undefined) route.variants.push(variant);
    else {
      routes.set(name, {
        projectId: one.record.projectId,
        projectSlug: slug,
        functionName: one.record.name,
        environment: one.environment,
        isPublic: one.record.isPublic,
        variants: [variant],
      });
    }
  }
  return routes;
}

/** Which version by chance: `random` in [0, 1). */
export function pickVariant(route: FunctionRoute, random: () => number): RouteVariant | undefined {
  if (route.variants.length <= 1) return route.variants[0];
  let point = random() * 100;
  for (const variant of route.variants) {
    point -= variant.percent;
    if (point < 0) return variant;
  }
  return route.variants.at(-1);
}

interface Entry {
  project: RoutedProject | null;
  loadedAt: number;
  loading: Promise<RoutedProject | null> | undefined;
}

/** Where calls go, kept in memory for a second so that the fast path asks no database. */
export function createRouteTable(options: RouteTableOptions): RouteTable {
  const entries = new Map<string, Entry>();

  async function load(ref: string): Promise<RoutedProject | null> {
    const project = await options.findProject(ref);
    if (project === null) return null;
    const active = await options.activation.apply(project);
    return {
      id: project.id,
      slug: project.slug,
      ownerId: project.ownerId,
      organisationId: project.organisationId,
      functions: await routesOf(active, project.slug, options.siteOf),
    };
  }

  function refresh(ref: string, entry: Entry): Promise<RoutedProject | null> {
    if (entry.loading !== undefined) return entry.loading;
    const startedAt = options.clock.now();
    const loading = load(ref).then(
      (project) => {
        if (entry.loading === loading) {
          entry.project = project;
          entry.loadedAt = startedAt;
          entry.loading = undefined;
        }
        return project;
      },
      (error: unknown) => {
        if (entry.loading === loading) entry.loading = undefined;
        throw error;
      },
    );
    entry.loading = loading;
    return loading;
  }

  return {
    project(ref) {
      let entry = entries.get(ref);
      if (entry === undefined) {
        if (entries.size >= MAX_ENTRIES) {
          const oldest = entries.keys().next().value;
          if (oldest !== undefined) entries.delete(oldest);
        }
        entry = { project: null, loadedAt: Number.NEGATIVE_INFINITY, loading: undefined };
        entries.set(ref, entry);
      }
      if (options.clock.now() - entry.loadedAt < FRESH_MS) return entry.project;
      return refresh(ref, entry);
    },
    invalidate(projectId) {
      for (const [ref, entry] of entries) {
        if (entry.project !== null && entry.project.id !== projectId && entry.loading === undefined) continue;
        // What was absent may be there now, and a look-up under way may have read the old state: whoever asks next
        // starts another.
        entries.delete(ref);
      }
    },
  };
}
