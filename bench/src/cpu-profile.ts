import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

/** The parts of V8's `.cpuprofile` that are read here. */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

export interface BusyFunction {
  readonly name: string;
  /** Share of the time in which the process did anything. */
  readonly share: number;
}

export interface ProfileSummary {
  readonly file: string;
  readonly busySeconds: number;
  /** By time spent in the function itself, the busiest first. */
  readonly functions: readonly BusyFunction[];
}

const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url));
const IDLE = "(idle)";
const MICROSECONDS = 1_000_000;

function labelOf({ functionName, url, lineNumber }: CpuProfile["nodes"][number]["callFrame"]): string {
  const name = functionName === "" ? "(anonymous)" : functionName;
  if (url === "") return name;
  const place = url.startsWith("file:") ? relative(REPOSITORY, fileURLToPath(url)) : url;
  return `${name} ${place}:${lineNumber + 1}`;
}

/** Adds up the time that each function itself took; time in which the process waited does not count. */
export function summariseProfile(profile: CpuProfile, count: number): Omit<ProfileSummary, "file"> {
  const labels = new Map(profile.nodes.map(({ id, callFrame }) => [id, labelOf(callFrame)]));
  const times = new Map<string, number>();
  let busy = 0;
  for (const [index, id] of profile.samples.entries()) {
    const label = labels.get(id) ?? "(unknown)";
    if (label === IDLE) continue;
    const time = profile.timeDeltas[index] ?? 0;
    busy += time;
    times.set(label, (times.get(label) ?? 0) + time);
  }
  const functions = [...times]
    .sort(([, left], [, right]) => right - left)
    .slice(0, count)
    .map(([name, time]) => ({ name, share: time / busy }));
  return { busySeconds: busy / MICROSECONDS, functions };
}

/** Reads every profile in the folder, the busiest process first. */
export function summariseProfiles(directory: string, count: number): readonly ProfileSummary[] {
  return readdirSync(directory)
    .filter((file) => file.endsWith(".cpuprofile"))
    .map((file) => ({
      file,
      ...summariseProfile(JSON.parse(readFileSync(join(directory, file), "utf8")) as CpuProfile, count),
    }))
    .sort((left, right) => right.busySeconds - left.busySeconds);
}
