import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseCommandLine } from "../packages/cli/src/command/build-program.ts";
import { COMMAND_SECTIONS } from "../packages/cli/src/index.ts";
import { createStyle } from "../packages/cli/src/output/style.ts";
import { createDeveloper } from "./harness/developer.ts";
import { aerostackCommands, guideBlocks, guideExamples, headingAnchors, internalLinks } from "./harness/guide.ts";
import { type ServerProcess, startServer, UNLIMITED } from "./harness/server-process.ts";
import { commandsOf } from "./harness/shell-blocks.ts";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("..", import.meta.url));
const GUIDES = join(ROOT, "docs/guides");
const STORY = "first-function.md";
const CLI = join(ROOT, "packages/cli/bin/aerostack.mjs");
const DOCUMENTED_ORIGIN = "http://127.0.0.1:8787";
const COMMAND_TIMEOUT_MS = 60_000;
const PARSE_OPTIONS = { sections: COMMAND_SECTIONS, version: "0", style: createStyle(false) };
const DEFAULT_CONFIGURATION = 'main = "src/index.js"\ncompatibility_date = "2026-11-01"\npublic = true\n';

const guides = readdirSync(GUIDES).filter((name) => name.endsWith(".md"));
const textOf = (name: string): string => readFileSync(join(GUIDES, name), "utf8");
/** Pages that people read; the command line's reference has tests of its own. */
const pages = [
  "README.md",
  "ARCHITECTURE.md",
  "CONTRIBUTING.md",
  "SECURITY.md",
  "docs/README.md",
  ...guides.map((name) => `docs/guides/${name}`),
  ...readdirSync(join(ROOT, "docs/reference"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/reference/${name}`),
];

describe.each(pages)("%s", (page) => {
  const file = join(ROOT, page);
  const markdown = readFileSync(file, "utf8");

  test("every internal link leads to a file and a heading that exist", () => {
    const broken = internalLinks(markdown).filter(({ target }) => {
      const [path = "", anchor] = target.split("#");
      const linked = path === "" ? file : join(dirname(file), decodeURIComponent(path));
      if (!existsSync(linked)) return true;
      return anchor !== undefined && statSync(linked).isFile() && !headingAnchors(linked).has(anchor);
    });
    expect(broken).toEqual([]);
  });

  // That page is made from the commands themselves, and shows what they look like rather than how they are called.
  test.skipIf(page === "docs/reference/cli.md")(
    "every aerostack command exists, with those arguments and options",
    () => {
      for (const argv of aerostackCommands(markdown)) {
        expect(() => parseCommandLine(argv, PARSE_OPTIONS), `aerostack ${argv.join(" ")}`).not.toThrow();
      }
    },
  );
});

describe("the code of the guides", () => {
  let server: ServerProcess;
  let folder = "";
  let environment: NodeJS.ProcessEnv = {};

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "aerostack-guides-"));
    server = await startServer({ env: UNLIMITED });
    const { accountKey } = await createDeveloper(server);
    const commands = join(folder, "bin");
    await mkdir(commands, { recursive: true });
    await writeFile(join(commands, "aerostack"), `#!/bin/sh\nexec "${process.execPath}" "${CLI}" "$@"\n`, {
      mode: 0o755,
    });
    environment = {
      PATH: `${commands}:${process.env.PATH ?? ""}`,
      HOME: folder,
      AEROSTACK_API_URL: server.url,
      AEROSTACK_API_KEY: accountKey,
    };
  });
  afterAll(async () => {
    await server.dispose();
    await rm(folder, { recursive: true, force: true });
  });

  async function write(directory: string, files: Readonly<Record<string, string>>): Promise<void> {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(directory, path)), { recursive: true });
      await writeFile(join(directory, path), text);
    }
  }

  const examples = guides.flatMap((guide) => guideExamples(textOf(guide)).map((example) => ({ guide, ...example })));

  test.each(examples)("$guide: the example '$name' deploys and answers", async ({ name, files, answer }) => {
    const directory = join(folder, name);
    await write(directory, { "aerostack.toml": `name = "${name}"\n${DEFAULT_CONFIGURATION}`, ...files });
    const { stdout } = await run("aerostack", ["deploy", "--json", "--migrate"], {
      cwd: directory,
      env: environment,
      timeout: COMMAND_TIMEOUT_MS,
    });
    const { deployments } = JSON.parse(stdout) as { deployments: { scriptName: string; url: string }[] };
    const main = deployments.at(-1);
    const response = await fetch(`${main?.url}/`);
    const body = await response.text();
    expect(response.status, body).toBeLessThan(400);
    if (answer !== undefined) expect(JSON.parse(body)).toEqual(answer);
  });

  /** Commands of one terminal: where one leaves it, the next goes on. */
  async function execute(command: string, directory: string): Promise<{ output: string; directory: string }> {
    const script = `${command.replaceAll(DOCUMENTED_ORIGIN, server.url)}\nstatus=$?\npwd > "${folder}/directory"\nexit $status`;
    const { stdout } = await run("sh", ["-c", script], {
      cwd: directory,
      env: environment,
      timeout: COMMAND_TIMEOUT_MS,
    });
    return { output: stdout, directory: (await readFile(join(folder, "directory"), "utf8")).trim() };
  }

  test(`${STORY} works from its first command to its last`, { timeout: 4 * COMMAND_TIMEOUT_MS }, async () => {
    let directory = join(folder, "story");
    await mkdir(directory);
    let lastOutput = "";
    for (const { language, marks, text } of guideBlocks(textOf(STORY))) {
      if (marks.file !== undefined) await write(directory, { [marks.file]: text });
      else if (marks.answer !== undefined) expect(JSON.parse(lastOutput)).toEqual(JSON.parse(text));
      else if (language === "sh") {
        // The server runs, its account is logged in, and `aerostack` is a command already.
        for (const command of commandsOf(text).filter(
          (line) => !/^(?:npm start|export PATH|aerostack login)/.test(line),
        )) {
          const done = await execute(command, directory);
          directory = done.directory;
          lastOutput = done.output;
          if (command.startsWith("curl")) expect(lastOutput, command).not.toContain('"error"');
        }
      }
    }
    expect(relative(folder, directory)).toBe(join("story", "visits"));
  });
});
