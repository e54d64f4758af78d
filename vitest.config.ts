import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/**
 * Tests that start whole servers or judge time: they run one file after another, after all others, so that what they
 * measure is theirs.
 */
const ALONE = [
  "e2e/**/*.test.ts",
  "packages/cli/src/three-commands.test.ts",
  "packages/datahost/src/data-host.test.ts",
  "packages/datahost/src/children/*.test.ts",
  "packages/datahost/src/sql/isolation.test.ts",
  "packages/datahost/src/transactions/*.test.ts",
  "packages/runtime/src/limits.test.ts",
  "packages/runtime/src/lifecycle.test.ts",
];

const common = {
  pool: "forks" as const,
  testTimeout: 30_000,
  hookTimeout: 60_000,
  // How long something may take to come true says nothing where a test does not ask for it; a second is little on a busy machine.
  expect: { poll: { timeout: 10_000 } },
  // Processes that tests start from the sources strip and compile them once.
  env: { NODE_COMPILE_CACHE: fileURLToPath(new URL("node_modules/.cache/aerostack", import.meta.url)) },
};
const exclude = ["**/node_modules/**", "**/templates/**", "**/fixtures/**"];

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...common,
          name: "together",
          globalSetup: "packages/server/src/kernel/sql/postgres-test-run.ts",
          include: ["packages/*/src/**/*.test.ts", "bench/**/*.test.ts"],
          exclude: [...exclude, ...ALONE],
          // By default one core is left free, which of two is half.
          maxWorkers: "100%",
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...common,
          name: "alone",
          include: ALONE,
          exclude,
          fileParallelism: false,
          maxWorkers: 1,
          // A shared machine that takes the processor away for a second fails a figure of time, not the code.
          retry: process.env.CI === "true" ? 2 : 0,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
