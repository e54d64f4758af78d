import type { Clock } from "@aerostack/kernel";
import type { TailEntry } from "../types.ts";
import type { LineLimiter } from "./line-limiter.ts";

export interface LineIntakeOptions {
  readonly clock: Clock;
  readonly limiter: LineLimiter;
  readonly onTail: (entries: readonly TailEntry[]) => void;
}

/** Takes the lines of all projects in, whichever way they came, up to each project's limit. */
export interface LineIntake {
  /** True while the project has no line left: what it sends need not be read, only counted. */
  isExhausted(projectId: string): boolean;
  accept(projectId: string, entries: readonly TailEntry[]): void;
  /** Counts lines that are left out; the project's log says how many. */
  drop(projectId: string, lines: number): void;
  /** Reports at once what is still to be reported. */
  close(): void;
}

/** Lines of a project that were left out are reported at most this often. */
const REPORT_INTERVAL_MS = 1000;

export function createLineIntake({ clock, limiter, onTail }: LineIntakeOptions): LineIntake {
  const dropped = new Map<string, { lines: number; timer: NodeJS.Timeout }>();

  function drop(projectId: string, lines: number): void {
    if (lines <= 0) return;
    const waiting = dropped.get(projectId);
    if (waiting !== undefined) {
      waiting.lines += lines;
      return;
    }
    const timer = setTimeout(() => report(projectId), REPORT_INTERVAL_MS);
    timer.unref();
    dropped.set(projectId, { lines, timer });
  }

  function report(projectId: string): void {
    const waiting = dropped.get(projectId);
    dropped.delete(projectId);
    if (waiting === undefined) return;
    onTail([
      {
        projectId,
        functionKey: null,
        kind: "console",
        level: "warn",
        time: clock.now(),
        requestId: null,
        message: `${waiting.lines} log lines were dropped: the project logs faster than is kept.`,
      },
    ]);
  }

  return {
    drop,
    isExhausted: (projectId) => limiter.isExhausted(projectId, performance.now()),
    accept(projectId, entries) {
      if (entries.length === 0) return;
      const admitted = limiter.admit(projectId, entries.length, performance.now());
      drop(projectId, entries.length - admitted);
      if (admitted > 0) onTail(entries.slice(0, admitted));
    },
    close() {
      for (const [projectId, { timer }] of dropped) {
        clearTimeout(timer);
        report(projectId);
      }
    },
  };
}
