import { describe, expect, it } from "vitest";
import { runCommand } from "../testing/run-command.ts";

describe("the command line", () => {
  it("shows every command without arguments, and ends with 0", async () => {
    const { exitCode, stdout } = await runCommand([]);
    expect(exitCode).toBe(0);
    for (const name of [
      "start",
      "init",
      "dev",
      "deploy",
      "rollback",
      "logs",
      "secrets",
      "db",
      "kv",
      "storage",
      "queue",
      "doctor",
    ]) {
      expect(stdout).toMatch(new RegExp(`^ {2}${name} +\\S`, "m"));
    }
  });

  it("shows a command's arguments, options and an example", async () => {
    const { exitCode, stdout } = await runCommand(["secrets", "set", "--help"]);
    expect(exitCode).toBe(0);
    expect(stdout).toBe(`aerostack secrets set  Set a secret, which functions read as env.<NAME>.

The value comes from standard input, or is asked for without being shown; never from the
command line, which other processes can read. Functions see it at once.

Usage
  aerostack secrets set <name> [options]

Arguments
  name  Name of the secret, such as STRIPE_KEY

Options
  --env <environment>  Environment (one of staging, production; default production)

Every command also takes --json, --yes, --verbose, --api-url, --project, --config (see aerostack --help).

Examples
  # Asks for the value
  aerostack secrets set STRIPE_KEY
  # Takes it from a file
  aerostack secrets set STRIPE_KEY < key.txt
`);
  });

  it("tells its version", async () => {
    expect(await runCommand(["--version"])).toMatchObject({ exitCode: 0, stdout: "0.1.0\n" });
  });

  it.each([
    [["depoly"], "✗ There is no command 'depoly'.\n  Did you mean `aerostack deploy`?\n"],
    [["db", "qurey"], "✗ There is no command 'db qurey'.\n  Did you mean `aerostack db query`?\n"],
    [["frobnicate"], "✗ There is no command 'frobnicate'.\n  Run `aerostack --help` for all commands.\n"],
    [
      ["deploy", "--evn", "staging"],
      "✗ Unknown option '--evn'. Did you mean --env?\n  Run `aerostack deploy --help` for the options and an example.\n",
    ],
    [["deploy", "--env", "test"], "✗ --env is 'test'; it can be staging, production.\n"],
    [["rollout", "3", "--percent", "150"], "✗ --percent is '150'; it is a whole number from 1 to 100.\n"],
    [
      ["kv", "get"],
      "✗ Missing required argument 'key'.\n  Run `aerostack kv get --help` for the options and an example.\n",
    ],
    [
      ["kv", "get", "a", "b"],
      "✗ Too many arguments for 'get'. Expected 1 argument but got 2: a, b.\n  Run `aerostack kv get --help` for the options and an example.\n",
    ],
    [["rollback", "first"], "✗ 'first' is not a version number.\n  Run `aerostack versions` for those there are.\n"],
  ])("%j ends with 2 and says what to write", async (argv, expected) => {
    const { exitCode, stderr, stdout } = await runCommand(argv);
    expect(stderr).toBe(expected);
    expect(stdout).toBe("");
    expect(exitCode).toBe(2);
  });

  it("writes a usage error as JSON too", async () => {
    const outcome = await runCommand(["deploy", "--env", "test", "--json"]);
    expect(outcome.exitCode).toBe(2);
    expect(outcome.stderr).toBe("");
    expect(outcome.json()).toEqual({
      error: { code: "USAGE", message: "--env is 'test'; it can be staging, production." },
    });
  });

  it("takes the options of every command before and after it", async () => {
    const before = await runCommand(["--json", "whoami"]);
    const after = await runCommand(["whoami", "--json"]);
    expect(before.json()).toEqual(after.json());
    expect(before.json()).toMatchObject({ error: { code: "NOT_LOGGED_IN" } });
  });
});

describe("every command", () => {
  it("has an example that begins with its own name, and a dry run where it destroys", async () => {
    const { COMMAND_SECTIONS } = await import("../commands/command-tree.ts");
    const destroying = new Set<string>();
    for (const { commands } of COMMAND_SECTIONS) {
      for (const entry of commands) {
        for (const command of entry.kind === "group" ? entry.commands : [entry]) {
          const path = entry.kind === "group" ? `${entry.name} ${command.name}` : command.name;
          expect(command.examples[0]?.command).toMatch(new RegExp(`^aerostack ${path}(?: |$)`));
          expect(command.summary).not.toMatch(/\.$/);
          if ("dryRun" in command.options) destroying.add(path);
        }
      }
    }
    expect([...destroying].sort()).toEqual([
      "abuse block",
      "collections delete",
      "collections push",
      "db import",
      "db migrate",
      "deploy",
      "domains remove",
      "firewall except",
      "keys revoke",
      "keys rotate",
      "kv delete",
      "orgs delete",
      "orgs leave",
      "orgs remove",
      "orgs sso",
      "projects delete",
      "queue endpoint",
      "queue purge",
      "queue redrive",
      "rollback",
      "secrets delete",
      "storage delete",
    ]);
  });
});
