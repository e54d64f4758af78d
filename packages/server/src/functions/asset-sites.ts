import { buildAssetManifest, createAssetSite } from "@aerostack/runtime";
import type { BundleStore } from "./bundle-store.ts";
import type { SiteOf, VersionSite } from "./route-table.ts";
import type { FunctionVersion } from "./types.ts";

/** Versions whose files and rules are kept read. They never change, so an entry never goes stale. */
const MAX_SITES = 500;

/** Reads the static files' rules of versions that have any, once. */
export function createAssetSites(bundles: BundleStore): SiteOf {
  const sites = new Map<string, Promise<VersionSite>>();

  async function read(
    { assets, config }: FunctionVersion,
    handling: NonNullable<typeof config.assets>,
  ): Promise<VersionSite> {
    const manifest = buildAssetManifest(assets.map((asset) => ({ ...asset, open: bundles.opener(asset.sha256) })));
    const [pages, files] = await Promise.all([
      createAssetSite(manifest, handling),
      createAssetSite(manifest, { ...handling, notFoundHandling: "none" }),
    ]);
    return { pages, files };
  }

  return ({ version }) => {
    const handling = version.config.assets;
    if (handling === undefined || version.assets.length === 0) return null;
    let site = sites.get(version.id);
    if (site === undefined) {
      site = read(version, handling);
      sites.set(version.id, site);
      site.catch(() => sites.delete(version.id));
      const oldest = sites.size > MAX_SITES ? sites.keys().next().value : undefined;
      if (oldest !== undefined) sites.delete(oldest);
    }
    return site;
  };
}
