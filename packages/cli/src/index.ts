/**
 * The command line of Aerostack. It is a client like any other: it speaks HTTP to a server and imports none of its code;
 * it may start a server as a process of its own.
 */

export { renderReference } from "./command/render-reference.ts";
export { COMMAND_SECTIONS } from "./commands/command-tree.ts";
export { runCli } from "./run-cli.ts";
