import * as clack from "@clack/prompts";
import { CliError, usageError } from "./cli-error.ts";

export interface Choice<Value extends string> {
  readonly value: Value;
  readonly label: string;
  readonly hint?: string;
}

/** How questions are put to a person; a test answers in their place. */
export interface PromptBackend {
  text(message: string, placeholder?: string): Promise<string>;
  password(message: string): Promise<string>;
  confirm(message: string): Promise<boolean>;
  select<Value extends string>(message: string, choices: readonly Choice<Value>[]): Promise<Value>;
}

/** Questions to a person. Each says what to do where nobody can be asked. */
export interface Prompts {
  /** Whether a person can be asked at all. */
  readonly available: boolean;
  text(message: string, options: { readonly fix: string; readonly placeholder?: string }): Promise<string>;
  password(message: string, options: { readonly fix: string }): Promise<string>;
  confirm(message: string, options: { readonly fix: string }): Promise<boolean>;
  select<Value extends string>(
    message: string,
    choices: readonly Choice<Value>[],
    options: { readonly fix: string },
  ): Promise<Value>;
}

/** The usage error of a question that cannot be put, else the question. */
export function createPrompts(available: boolean, backend: PromptBackend): Prompts {
  function ask<Value>(message: string, fix: string, question: () => Promise<Value>): Promise<Value> {
    if (!available) return Promise.reject(usageError(`Nobody can be asked here: ${message}`, fix));
    return question();
  }
  return {
    available,
    text: (message, { fix, placeholder }) => ask(message, fix, () => backend.text(message, placeholder)),
    password: (message, { fix }) => ask(message, fix, () => backend.password(message)),
    confirm: (message, { fix }) => ask(message, fix, () => backend.confirm(message)),
    select: (message, choices, { fix }) => ask(message, fix, () => backend.select(message, choices)),
  };
}

function answered<Value>(value: Value): Exclude<Value, symbol> {
  if (typeof value === "symbol") throw new CliError("Stopped.", { kind: "interrupted", code: "INTERRUPTED" });
  return value as Exclude<Value, symbol>;
}

/** Questions in the terminal, on standard error: standard output stays for results. */
export const terminalPrompts: PromptBackend = {
  async text(message, placeholder) {
    const hint = placeholder === undefined ? {} : { placeholder, defaultValue: placeholder };
    return answered(await clack.text({ message, output: process.stderr, ...hint }));
  },
  password: async (message) => answered(await clack.password({ message, output: process.stderr })),
  confirm: async (message) => answered(await clack.confirm({ message, initialValue: false, output: process.stderr })),
  async select(message, choices) {
    const options = choices.map(({ value, label, hint }) => ({
      value,
      label,
      ...(hint === undefined ? {} : { hint }),
    }));
    const chosen = answered(await clack.select<string>({ message, options, output: process.stderr }));
    return chosen as (typeof choices)[number]["value"];
  },
};
