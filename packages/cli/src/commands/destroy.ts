import type { CommandContext } from "../command/context.ts";
import type { CommandResult } from "../command/define-command.ts";

export interface Destruction<Value> {
  /** The act in three forms, such as `["delete", "Deleting", "Deleted"]`. */
  readonly verb: readonly [infinitive: string, progressive: string, past: string];
  /** What is lost, as the question and the report name it. */
  readonly what: string;
  /** What is lost, as data. */
  readonly facts: Readonly<Record<string, unknown>>;
  readonly dryRun: boolean;
  readonly work: () => Promise<Value>;
  /** Facts known afterwards only, such as how many messages there were. */
  readonly outcome?: (value: Value) => { readonly facts: Readonly<Record<string, unknown>>; readonly text: string };
}

/** What every command that destroys does: show with --dry-run, else ask (or --yes), then act and say so. */
export async function destroy<Value>(context: CommandContext, destruction: Destruction<Value>): Promise<CommandResult> {
  const { verb, what, facts, dryRun, work, outcome } = destruction;
  const [infinitive, progressive, past] = verb;
  if (dryRun) {
    return { data: { dryRun: true, ...facts }, render: (terminal) => terminal.line(`Would ${infinitive} ${what}.`) };
  }
  await context.confirm(`${infinitive.charAt(0).toUpperCase()}${infinitive.slice(1)} ${what}?`);
  const value = await context.terminal.step(
    `${progressive} ${what}`,
    work,
    (result) => outcome?.(result).text ?? `${past} ${what}`,
  );
  return { data: { dryRun: false, ...facts, ...outcome?.(value).facts }, render: () => {} };
}
