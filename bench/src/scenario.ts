import type { Comparison } from "./comparison.ts";

/** How much is measured: bounded in count and time. */
export interface Plan {
  readonly rounds: number;
  /** Rounds of load that are repeated at most because others disturbed them. */
  readonly repeats: number;
  /** Length of one round of load. */
  readonly roundSeconds: number;
  readonly warmUpSeconds: number;
  /** Functions that are started cold. */
  readonly coldStarts: number;
  /** Projects with one function each, for the memory of a full server. */
  readonly projects: number;
  readonly activeProjects: number;
  /** Starts of the server that are timed. */
  readonly serverStarts: number;
  /** Times that the memory of all processes is taken, each after a start of its own. */
  readonly weighings: number;
}

export const FULL_PLAN: Plan = {
  rounds: 5,
  repeats: 10,
  roundSeconds: 4,
  warmUpSeconds: 2,
  coldStarts: 40,
  projects: 1000,
  activeProjects: 50,
  serverStarts: 5,
  weighings: 3,
};

export const QUICK_PLAN: Plan = {
  rounds: 2,
  repeats: 0,
  roundSeconds: 1,
  warmUpSeconds: 1,
  coldStarts: 6,
  projects: 20,
  activeProjects: 5,
  serverStarts: 2,
  weighings: 1,
};

export interface ScenarioContext {
  readonly plan: Plan;
  /** A folder of the scenario's own, on the disk of the checkout; removed after it. */
  readonly scratchDir: string;
  /** Where processes of the server leave CPU profiles, or null: a profiled run is slower and is not judged by. */
  readonly profileDir: string | null;
  /** What the scenario starts; stopped after it, the last first, however it ends. */
  readonly resources: AsyncDisposableStack;
  /** Tells the person who waits what is going on. */
  readonly say: (line: string) => void;
}

export interface Scenario {
  readonly name: string;
  readonly title: string;
  readonly needsWrk: boolean;
  readonly run: (context: ScenarioContext) => Promise<readonly Comparison[]>;
}
