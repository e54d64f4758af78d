/** One positional argument of a command; `Value` is what the command receives. */
export interface Argument<Value> {
  readonly kind: "required" | "optional" | "rest";
  readonly description: string;
  /** Only carries the type. */
  readonly value?: Value;
}

export type ArgumentMap = Readonly<Record<string, Argument<unknown>>>;
export type ArgumentValues<Arguments extends ArgumentMap> = {
  readonly [Name in keyof Arguments]: Arguments[Name] extends Argument<infer Value> ? Value : never;
};

export function required(description: string): Argument<string> {
  return { kind: "required", description };
}

export function optional(description: string): Argument<string | undefined> {
  return { kind: "optional", description };
}

/** All that follows; must be the last. */
export function rest(description: string): Argument<readonly string[]> {
  return { kind: "rest", description };
}

/** `name` as a synopsis shows it: `<name>`, `[name]` or `[name...]`. */
export function argumentSynopsis(name: string, argument: Argument<unknown>): string {
  switch (argument.kind) {
    case "required":
      return `<${name}>`;
    case "optional":
      return `[${name}]`;
    case "rest":
      return `[${name}...]`;
  }
}
