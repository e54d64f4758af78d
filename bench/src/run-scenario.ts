import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sampleForeignLoad } from "./foreign-load.ts";
import type { ScenarioReport } from "./report.ts";
import type { Plan, Scenario } from "./scenario.ts";

/** Runs one scenario in a folder of its own. Never rejects: what goes wrong is in the report. */
export async function runScenario(
  scenario: Scenario,
  options: { readonly plan: Plan; readonly profileDir: string | null; readonly say: (line: string) => void },
): Promise<ScenarioReport> {
  const foreignLoadBefore = await sampleForeignLoad();
  const startedAt = performance.now();
  // A short path: the name of a unix socket has room for 107 bytes.
  const scratchDir = await mkdtemp(join(tmpdir(), "aerobench-"));
  const { name, title } = scenario;
  const finish = (comparisons: ScenarioReport["comparisons"], error: string | null): ScenarioReport => ({
    name,
    title,
    durationSeconds: Math.round((performance.now() - startedAt) / 1000),
    foreignLoadBefore,
    comparisons,
    error,
  });
  const resources = new AsyncDisposableStack();
  try {
    return finish(await scenario.run({ ...options, scratchDir, resources }), null);
  } catch (error) {
    return finish([], error instanceof Error ? (error.stack ?? error.message) : String(error));
  } finally {
    await resources.disposeAsync();
    await rm(scratchDir, { recursive: true, force: true });
  }
}
