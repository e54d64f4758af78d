// Makes what is made from the code, and fails when what is committed says something else. Runs on the Node that the project
// pins, which npm puts in front (`npm run build`).
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const GENERATED = "docs/reference";
const GENERATORS = ["scripts/generate-docs.ts", "scripts/generate-cli-docs.ts"];

function run(command, args, stdio = "inherit") {
  return spawnSync(command, args, { cwd: root, stdio, encoding: "utf8" });
}

for (const generator of GENERATORS) {
  const { status } = run(process.execPath, [generator]);
  if (status !== 0) process.exit(status ?? 1);
}

const insideGit = run("git", ["rev-parse", "--is-inside-work-tree"], "pipe").status === 0;
if (insideGit) {
  const changed = run("git", ["diff", "--exit-code", "--stat", "--", GENERATED]).status !== 0;
  const added = run("git", ["ls-files", "--others", "--exclude-standard", "--", GENERATED], "pipe").stdout.trim();
  if (changed || added !== "") {
    process.stderr.write(
      `${added === "" ? "" : `${added}\n`}The pages above were not as the code says; they are now. Keep them:\n` +
        `  git add ${GENERATED} && git commit -m "Bring the reference up to date" -- ${GENERATED}\n`,
    );
    process.exit(1);
  }
}
