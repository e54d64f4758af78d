import * as clack from "@clack/prompts";
import { CliError, usageError } from "./cli-error.ts";

/** Questions to a person. Each names the flag that answers it where nobody can be asked. */
export interface Prompts {
  /** Whether a person can be asked at all. */
  readonly available: boolean;
  text(
    message: string,
    options: { readonly fix: string; readonly placeholder?: string; readonly initial?: string },
  ): Promise<string>;
  password(message: string, options: { readonly fix: string }): Promise<string>;
  confirm(message: string, options: { readonly fix: string }): Promise<boolean>;
  select<Value extends string>(
    message: string,
    choices: readonly { readonly value: Value; readonly label: string; readonly hint?: string }[],
    options: { readonly fix: string },
  ): Promise<Value>;
}

function answered<Value>(value: Value): Exclude<Value, symbol> {
  if (typeof value === "symbol") throw new CliError("Stopped.", { kind: "interrupted", code: "INTERRUPTED" });
  return value as Exclude<Value, symbol>;
}

export function createPrompts(available: boolean): Prompts {
  function demand(message: string, fix: string): void {
    if (!available) throw usageError(`Nobody can be asked here: ${message}`, fix);
  }
  return {
    available,
    async text(message, { fix, placeholder, initial }) {
      demand(message, fix);
      const value = await clack.text({
        message,
        output: process.stderr,
        ...(placeholder === undefined ? {} : { placeholder, defaultValue: placeholder }),
        ...(initial === undefined ? {} : { initialValue: initial }),
      });
      return answered(value);
    },
    async password(message, { fix }) {
      demand(message, fix);
      return answered(await clack.password({ message, output: process.stderr }));
    },
    async confirm(message, { fix }) {
      demand(message, fix);
      return answered(await clack.confirm({ message, initialValue: false, output: process.stderr }));
    },
    async select(message, choices, { fix }) {
      demand(message, fix);
      const options = choices.map(({ value, label, hint }) => ({
        value,
        label,
        ...(hint === undefined ? {} : { hint }),
      }));
      return answered(
        await clack.select<string>({ message, options, output: process.stderr }),
      ) as (typeof choices)[number]["value"];
    },
  };
}
