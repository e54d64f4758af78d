import { existsSync, type FSWatcher, watch } from "node:fs";

/** Editors write a file in several steps. */
const SETTLE_MS = 100;

export interface WatchedPath {
  readonly path: string;
  readonly recursive: boolean;
  /** Whether a change of this name (relative to the path) counts. */
  readonly concerns: (name: string) => boolean;
  readonly onChange: () => void;
}

/** Calls `onChange` once things have settled after a change; paths that are not there are passed over. */
export function watchPaths(paths: readonly WatchedPath[]): { close(): void } {
  const watchers: FSWatcher[] = [];
  const timers = new Map<WatchedPath, NodeJS.Timeout>();
  for (const entry of paths) {
    if (!existsSync(entry.path)) continue;
    const watcher = watch(entry.path, { recursive: entry.recursive }, (_event, name) => {
      if (name !== null && !entry.concerns(name)) return;
      clearTimeout(timers.get(entry));
      timers.set(entry, setTimeout(entry.onChange, SETTLE_MS));
    });
    // A folder that is deleted ends its watcher; the next start of the session sees what is there.
    watcher.on("error", () => watcher.close());
    watchers.push(watcher);
  }
  return {
    close() {
      for (const watcher of watchers) watcher.close();
      for (const timer of timers.values()) clearTimeout(timer);
    },
  };
}
