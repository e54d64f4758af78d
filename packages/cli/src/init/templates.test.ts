import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { bundleFunction } from "../bundler/bundle-function.ts";
import { loadConfig } from "../config/load-config.ts";
import { runCommand, temporaryFolder } from "../testing/run-command.ts";
import { startInWorkerd } from "../testing/workerd.ts";
import { TEMPLATE_NAMES, templateDirectory } from "./templates.ts";

const REPOSITORY = fileURLToPath(new URL("../../../../node_modules", import.meta.url));

/** Creates a project beside the packages of this repository, so that nothing is fetched. */
async function init(template: string, name = "my-app") {
  const cwd = temporaryFolder();
  symlinkSync(REPOSITORY, join(cwd, "node_modules"));
  const outcome = await runCommand(["init", name, "--template", template, "--skip-install", "--json"], { cwd });
  return { directory: join(cwd, name), outcome };
}

describe("templates", () => {
  it("are the folders that are there", () => {
    expect(readdirSync(join(templateDirectory("blank"), "..")).sort()).toEqual([...TEMPLATE_NAMES].sort());
  });

  it.each(TEMPLATE_NAMES)("%s becomes a project whose function starts in workerd", async (template) => {
    const { directory, outcome } = await init(template);
    expect(outcome.exitCode).toBe(0);
    const { files } = outcome.json() as { files: string[] };
    for (const file of files) {
      expect(existsSync(join(directory, file))).toBe(true);
      expect(readFileSync(join(directory, file), "utf8")).not.toContain("{{");
    }
    expect(files).toEqual(
      expect.arrayContaining([".gitignore", "README.md", "aerostack.toml", "package.json", "src/index.ts"]),
    );

    const config = await loadConfig({ cwd: directory, file: undefined, environment: "production" });
    if (config === undefined) throw new Error("the template has no configuration");
    expect(config.projectName).toBe("my-app");
    expect(config.notices).toEqual([]);
    const bundle = await bundleFunction(config.main, directory, { minify: true });
    expect(bundle.warnings).toEqual([]);
    const worker = await startInWorkerd(bundle, config.main);
    await worker.stop();
  });
});

describe("init", () => {
  it("names the next command", async () => {
    const cwd = temporaryFolder();
    const { exitCode, stdout, stderr } = await runCommand(["init", "My Shop", "--template", "blank"], { cwd });
    expect(stderr).toBe("✓ Created my-shop from template blank (6 files)\n");
    expect(stdout).toBe(
      "\nNext:\n\n  cd My Shop\n  aerostack dev\n\naerostack deploy puts it on the server you are logged in to.\n",
    );
    expect(exitCode).toBe(0);
    expect(readFileSync(join(cwd, "My Shop/aerostack.toml"), "utf8")).toContain('name = "my-shop"');
  });

  it("asks for name and template where a person can answer", async () => {
    const cwd = temporaryFolder();
    const { exitCode } = await runCommand(["init"], { cwd, answers: ["chat", "websocket-chat"] });
    expect(exitCode).toBe(0);
    expect(existsSync(join(cwd, "chat/src/chat-room.ts"))).toBe(true);
  });

  it("needs a name where nobody can be asked", async () => {
    const { exitCode, stderr } = await runCommand(["init"]);
    expect(exitCode).toBe(2);
    expect(stderr).toBe("✗ Nobody can be asked here: What is it called?\n  Name it: aerostack init <name>.\n");
  });

  it("writes over nothing", async () => {
    const cwd = temporaryFolder();
    mkdirSync(join(cwd, "taken"));
    writeFileSync(join(cwd, "taken/mine.txt"), "mine");
    const { exitCode, stderr } = await runCommand(["init", "taken"], { cwd });
    expect(exitCode).toBe(2);
    expect(stderr).toContain("is not empty.");
    expect(readdirSync(join(cwd, "taken"))).toEqual(["mine.txt"]);
  });

  it("fills the folder it stands in, if that is empty", async () => {
    const cwd = join(temporaryFolder(), "here");
    mkdirSync(cwd);
    expect((await runCommand(["init", "."], { cwd })).exitCode).toBe(0);
    expect(readFileSync(join(cwd, "aerostack.toml"), "utf8")).toContain('name = "here"');
  });
});
