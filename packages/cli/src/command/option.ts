import { usageError } from "./cli-error.ts";

/** One option of a command; `Value` is what the command receives. */
export interface Option<Value> {
  readonly kind: "flag" | "value" | "list";
  readonly description: string;
  /** One letter, without the dash. */
  readonly short?: string;
  /** Shown as `<placeholder>`; absent for a flag. */
  readonly placeholder?: string;
  readonly choices?: readonly string[];
  readonly defaultValue: Value;
  /** Turns the text of one occurrence into a value; throws a usage error. `name` is the option as typed. */
  readonly parse: (text: string, name: string) => unknown;
}

export type OptionMap = Readonly<Record<string, Option<unknown>>>;
export type OptionValues<Options extends OptionMap> = {
  readonly [Name in keyof Options]: Options[Name] extends Option<infer Value> ? Value : never;
};

interface Common {
  readonly short?: string;
}

const same = (text: string): string => text;

/** `--name`: true when given. */
export function flag(description: string, common: Common = {}): Option<boolean> {
  return { kind: "flag", description, defaultValue: false, parse: () => true, ...common };
}

/** `--name <placeholder>`: text, undefined when not given. */
export function text(placeholder: string, description: string, common: Common = {}): Option<string | undefined> {
  return { kind: "value", placeholder, description, defaultValue: undefined, parse: same, ...common };
}

/** `--name <placeholder>`, which may be given several times. */
export function list(placeholder: string, description: string, common: Common = {}): Option<readonly string[]> {
  return { kind: "list", placeholder, description, defaultValue: [], parse: same, ...common };
}

/** `--name <placeholder>`: one of `choices`. */
export function choice<const Choice extends string, const Default extends Choice | undefined>(
  placeholder: string,
  description: string,
  choices: readonly Choice[],
  defaultValue: Default,
  common: Common = {},
): Option<Choice | Default> {
  function parse(value: string, name: string): Choice {
    const found = choices.find((candidate) => candidate === value);
    if (found === undefined) throw usageError(`${name} is '${value}'; it can be ${choices.join(", ")}.`);
    return found;
  }
  return { kind: "value", placeholder, description, choices, defaultValue, parse, ...common };
}

/** `--name <placeholder>`: a whole number within bounds. */
export function integer<const Default extends number | undefined>(
  placeholder: string,
  description: string,
  bounds: { readonly min: number; readonly max: number },
  defaultValue: Default,
  common: Common = {},
): Option<number | Default> {
  function parse(value: string, name: string): number {
    const number = Number(value);
    if (!/^-?\d+$/.test(value) || number < bounds.min || number > bounds.max) {
      throw usageError(`${name} is '${value}'; it is a whole number from ${bounds.min} to ${bounds.max}.`);
    }
    return number;
  }
  return { kind: "value", placeholder, description, defaultValue, parse, ...common };
}

/** `functionName` → `--function-name`. */
export function optionName(key: string): string {
  return `--${key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
