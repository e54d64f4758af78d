import { mkdirSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CommandLine, parseCommandLine, UsageError, usage } from "./command-line.ts";
import { readCommit } from "./commit.ts";
import { summariseProfiles } from "./cpu-profile.ts";
import { endWithDescendants } from "./end-with-descendants.ts";
import { describeMachine } from "./machine.ts";
import { renderReport } from "./render-report.ts";
import { passes, type Report, type ScenarioReport, saveReport } from "./report.ts";
import { runScenario } from "./run-scenario.ts";
import { FULL_PLAN, QUICK_PLAN, type Scenario } from "./scenario.ts";
import { coldStart } from "./scenarios/cold-start.ts";
import { d1Read } from "./scenarios/d1-read.ts";
import { d1Write } from "./scenarios/d1-write.ts";
import { functionCall } from "./scenarios/function-call.ts";
import { kvOverHttp } from "./scenarios/kv-over-http.ts";
import { kvRead } from "./scenarios/kv-read.ts";
import { loginNeighbours } from "./scenarios/login-neighbours.ts";
import { memory } from "./scenarios/memory.ts";
import { realtimeFanout } from "./scenarios/realtime-fanout.ts";
import { realtimeIdle } from "./scenarios/realtime-idle.ts";
import { sqlOverHttp } from "./scenarios/sql-over-http.ts";
import { storageGet } from "./scenarios/storage-get.ts";
import { readVersions } from "./versions.ts";
import { wrkVersion } from "./wrk.ts";

const SCENARIOS: readonly Scenario[] = [
  functionCall,
  kvRead,
  d1Read,
  d1Write,
  sqlOverHttp,
  kvOverHttp,
  storageGet,
  loginNeighbours,
  coldStart,
  memory,
  realtimeFanout,
  realtimeIdle,
];
const BUSIEST_FUNCTIONS = 25;
const EXIT_MISSED = 1;
const EXIT_USAGE = 2;

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** What this machine lacks for the run, or null. */
function missing({ scenarios }: CommandLine): string | null {
  if (process.platform !== "linux") return "The benchmark reads /proc: it runs on Linux only.";
  if (scenarios.some(({ needsWrk }) => needsWrk) && wrkVersion() === null) {
    return "The load generator wrk is missing. Install it: apt-get install wrk";
  }
  return null;
}

/** A folder of this run's own, so that profiles of an earlier one are not taken for its. */
function newFolder(parent: string): string {
  mkdirSync(parent, { recursive: true });
  return mkdtempSync(join(parent, "run-"));
}

function printProfiles(directory: string): void {
  for (const { file, busySeconds, functions } of summariseProfiles(directory, BUSIEST_FUNCTIONS)) {
    print(`\n${file}: busy for ${busySeconds.toFixed(1)} s`);
    for (const { name, share } of functions) print(`  ${(share * 100).toFixed(1).padStart(5)} %  ${name}`);
  }
}

async function measure(command: CommandLine): Promise<Report> {
  const { quick, profileDir } = command;
  const plan = quick ? QUICK_PLAN : FULL_PLAN;
  const startedAt = new Date();
  const commit = readCommit();
  const scenarios: ScenarioReport[] = [];
  for (const scenario of command.scenarios) {
    print(`${scenario.name}: ${scenario.title}`);
    scenarios.push(await runScenario(scenario, { plan, profileDir, say: (line) => print(`  ${line}`) }));
  }
  return {
    startedAt: startedAt.toISOString(),
    durationSeconds: Math.round((Date.now() - startedAt.getTime()) / 1000),
    commit,
    quick,
    profiled: profileDir !== null,
    plan,
    machine: describeMachine(tmpdir()),
    versions: readVersions(),
    scenarios,
    pass: passes(scenarios),
  };
}

async function main(): Promise<number> {
  const command = parseCommandLine(process.argv.slice(2), SCENARIOS);
  const lack = missing(command);
  if (lack !== null) {
    process.stderr.write(`${lack}\n`);
    return EXIT_USAGE;
  }
  endWithDescendants();
  const profileDir = command.profileDir === null ? null : newFolder(command.profileDir);
  const report = await measure({ ...command, profileDir });
  print(`\n${renderReport(report)}`);
  if (profileDir !== null) printProfiles(profileDir);
  const whole = !command.quick && profileDir === null && command.scenarios.length === SCENARIOS.length;
  if (whole || command.save) print(`\nResult: ${saveReport(report)}`);
  return report.pass ? 0 : EXIT_MISSED;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`${error.message}\n\n${usage(SCENARIOS)}\n`);
  process.exitCode = EXIT_USAGE;
}
