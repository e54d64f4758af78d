import type { VersionDiff } from "@aerostack/contracts";
import type { FunctionVersion } from "./types.ts";

type Change = VersionDiff["changes"][number];
type Value = Change["before"];

/** What two versions are compared by: everything but their numbers and times, as path and value. */
function describe(version: FunctionVersion): Map<string, Value> {
  const facts = new Map<string, Value>();
  facts.set("compatibilityDate", version.compatibilityDate);
  facts.set("compatibilityFlags", [...version.compatibilityFlags]);
  for (const [name, value] of Object.entries(version.config)) {
    if (value !== undefined) facts.set(`config.${name}`, value as Value);
  }
  for (const module of version.modules) {
    facts.set(`modules/${module.name}`, { type: module.type, sizeBytes: module.sizeBytes, sha256: module.sha256 });
  }
  for (const asset of version.assets) {
    facts.set(`assets${asset.path}`, { sizeBytes: asset.sizeBytes, sha256: asset.sha256 });
  }
  return facts;
}

/** What changed from one version to another, by path. */
export function diffVersions(from: FunctionVersion, to: FunctionVersion): Change[] {
  const before = describe(from);
  const after = describe(to);
  const paths = [...new Set([...before.keys(), ...after.keys()])].sort();
  return paths
    .map((path) => ({ path, before: before.get(path) ?? null, after: after.get(path) ?? null }))
    .filter((change) => JSON.stringify(change.before) !== JSON.stringify(change.after));
}
