/** What of a request a rule looks at. */
export type RuleTarget = "path" | "query" | "header" | "agent" | "body";

/** A rule of the firewall, as data. */
export interface Rule {
  /** Stable: exceptions and hits name it. */
  readonly id: number;
  readonly name: string;
  readonly category: RuleCategory;
  /** The lowest level at which the rule is in force: 1 finds what is hardly ever meant well, 3 what often is. */
  readonly paranoia: 1 | 2 | 3;
  /** What a hit adds: 5 critical, 4 error, 3 warning, 2 notice. */
  readonly score: 2 | 3 | 4 | 5;
  readonly targets: readonly RuleTarget[];
  /**
   * Tried on normalised text: decoded, lower case, comments gone, white space single. Every repetition has an upper bound
   * or is of one class of characters followed by another, so that time grows with the length only.
   */
  readonly pattern: RegExp;
}

export const RULE_CATEGORIES = [
  "protocol",
  "traversal",
  "remote-file",
  "command",
  "xss",
  "sql",
  "nosql",
  "lookup",
  "code",
  "scanner",
] as const;
export type RuleCategory = (typeof RULE_CATEGORIES)[number];
