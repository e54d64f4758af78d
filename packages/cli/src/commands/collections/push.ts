import { defineCommand } from "../../command/define-command.ts";
import { flag } from "../../command/option.ts";
import { plural } from "../../output/format.ts";
import type { Terminal } from "../../output/terminal.ts";
import { type PushedCollection, pushCollections } from "../../project/collections.ts";
import { dryRunOption } from "../shared-options.ts";

export const collectionsPushCommand = defineCommand({
  name: "push",
  summary: "Make collections what the configuration file says",
  details: [
    "Reads [[collections]] of aerostack.toml. What only adds is done at once; what loses data, such as a field that is gone, needs --allow-destructive. Collections that the file does not name are left alone.",
  ],
  options: { allowDestructive: flag("Go ahead where a change loses data"), dryRun: dryRunOption },
  examples: [
    { command: "aerostack collections push --dry-run", explanation: "What would change" },
    { command: "aerostack collections push", explanation: "Change it" },
  ],
  async run(context, { options }) {
    const { collections, file } = await context.requireConfig();
    if (collections.length === 0) {
      return {
        data: { collections: [] },
        render: (terminal) => terminal.note(`There are no [[collections]] in ${file}.`),
      };
    }
    const project = await context.project();
    const api = await context.api();
    const { allowDestructive, dryRun } = options;
    const pushed = await context.terminal.step(
      dryRun ? "Comparing collections" : "Pushing collections",
      () => pushCollections({ api, projectId: project.id, collections, allowDestructive, dryRun }),
      (all) => (dryRun ? undefined : summarise(all)),
    );
    return {
      data: { dryRun, collections: pushed },
      render(terminal) {
        if (dryRun) terminal.note(summarise(pushed));
        for (const one of pushed) renderChanges(terminal, one);
      },
    };
  },
});

function summarise(pushed: readonly PushedCollection[]): string {
  const changed = pushed.filter(({ changes }) => changes.length > 0).length;
  return changed === 0
    ? "Collections are up to date"
    : `${plural(changed, "collection")} changed, ${pushed.length - changed} as before`;
}

function renderChanges(terminal: Terminal, { name, changes }: PushedCollection): void {
  for (const { what, destructive } of changes) {
    const mark = destructive ? ` ${terminal.style.danger("(loses data)")}` : "";
    terminal.line(`  ${terminal.style.accent(name)}: ${what}${mark}`);
  }
}
