import { type AssetSite, buildAssetManifest, createAssetSite } from "@aerostack/runtime";
import type { BundleStore } from "./bundle-store.ts";
import type { SiteOf } from "./route-table.ts";

/** Versions whose files and rules are kept read. They never change, so an entry never goes stale. */
const MAX_SITES = 500;

/** Reads the static files' rules of versions that have any, once. */
export function createAssetSites(bundles: BundleStore): SiteOf {
  const sites = new Map<string, Promise<AssetSite>>();
  return ({ version }) => {
    const config = version.config.assets;
    if (config === undefined || version.assets.length === 0) return null;
    let site = sites.get(version.id);
    if (site === undefined) {
      const files = version.assets.map((asset) => ({ ...asset, file: bundles.pathOf(asset.sha256) }));
      site = createAssetSite(buildAssetManifest(files), config);
      sites.set(version.id, site);
      site.catch(() => sites.delete(version.id));
      const oldest = sites.size > MAX_SITES ? sites.keys().next().value : undefined;
      if (oldest !== undefined) sites.delete(oldest);
    }
    return site;
  };
}
