import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { CliError } from "../command/cli-error.ts";

export interface ServerFiles {
  /** The server's entry. */
  readonly entry: string;
  /** The Node that runs it: the one the installation pins, else the one that runs this. */
  readonly node: string;
}

/** Where the server of this installation is. Throws SERVER_NOT_INSTALLED where the CLI stands alone. */
export function findServerFiles(): ServerFiles {
  const entry = fileURLToPath(new URL("../../../server/bin/server.mjs", import.meta.url));
  if (!existsSync(entry)) {
    throw new CliError("This installation of the CLI brings no server.", {
      code: "SERVER_NOT_INSTALLED",
      fix: "Start the server where it is installed, and name it with AEROSTACK_API_URL.",
    });
  }
  return { entry, node: findPinnedNode(dirname(entry)) ?? process.execPath };
}

function findPinnedNode(from: string): string | undefined {
  const platform = process.platform === "win32" ? "win" : process.platform;
  const executable = process.platform === "win32" ? "node.exe" : "node";
  for (let directory = from; ; directory = dirname(directory)) {
    const candidate = join(directory, "node_modules", `node-${platform}-${process.arch}`, "bin", executable);
    if (existsSync(candidate)) return candidate;
    if (dirname(directory) === directory) return undefined;
  }
}
