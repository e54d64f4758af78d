import type { RealtimeRule } from "@aerostack/contracts";
import type { Speaker } from "./permissions.ts";

/** A rule that fits a topic, with what stood in the place of `{userId}`. */
export interface FittingRule {
  readonly rule: RealtimeRule;
  readonly userId: string | null;
}

const PLACEHOLDER = /^\{\w+\}$/;
const REST = "*";

/** How exactly a part of a pattern says what it means: a word, a placeholder, anything. */
function exactness(part: string): number {
  if (part === REST) return 0;
  return PLACEHOLDER.test(part) ? 1 : 2;
}

/** The more exact pattern is the one that is more exact where they first differ. */
function isMoreExact(one: readonly string[], other: readonly string[]): boolean {
  for (let at = 0; at < Math.max(one.length, other.length); at++) {
    const difference = exactness(one[at] ?? REST) - exactness(other[at] ?? REST);
    if (difference !== 0) return difference > 0;
  }
  return false;
}

function fit(pattern: readonly string[], name: readonly string[]): { readonly userId: string | null } | undefined {
  let userId: string | null = null;
  for (const [at, part] of pattern.entries()) {
    if (part === REST) return name.length > at ? { userId } : undefined;
    const word = name[at];
    if (word === undefined || (!PLACEHOLDER.test(part) && part !== word)) return undefined;
    if (part === "{userId}") userId = word;
  }
  return pattern.length === name.length ? { userId } : undefined;
}

/** The most exact rule that fits a topic's name (without its project), or undefined. */
export function findRule(rules: readonly RealtimeRule[], topicName: string): FittingRule | undefined {
  const name = topicName.split("/");
  let found: (FittingRule & { readonly pattern: readonly string[] }) | undefined;
  for (const rule of rules) {
    const pattern = rule.pattern.split("/");
    const fitting = fit(pattern, name);
    if (fitting === undefined || (found !== undefined && !isMoreExact(pattern, found.pattern))) continue;
    found = { rule, userId: fitting.userId, pattern };
  }
  return found;
}

/** Whether a rule lets a speaker pass; secret keys are not asked. */
export function passesRule(who: RealtimeRule["listen"], ownerId: string | null, { user }: Speaker): boolean {
  switch (who) {
    case "public":
      return true;
    case "signed-in":
      return user !== null;
    case "owner":
      return user !== null && user.userId === ownerId;
    case "none":
      return false;
  }
}
