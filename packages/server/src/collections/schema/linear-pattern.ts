import { RE2JS } from "re2js";
import { MAX_PATTERN_CHARACTERS, MAX_PATTERN_STATES, MAX_PATTERN_STEPS } from "./limits.ts";

/** More was asked of the patterns than an item may cost. */
export class PatternBudgetSpent extends Error {}

export interface PatternBudget {
  stepsLeft: number;
}

export function createPatternBudget(): PatternBudget {
  return { stepsLeft: MAX_PATTERN_STEPS };
}

export interface LinearPattern {
  /** Whether the pattern is found anywhere in the text. @throws PatternBudgetSpent */
  test(text: string): boolean;
  /** The pattern: validators tell patterns apart by it. */
  toString(): string;
}

/**
 * A regular expression that takes time linear in the text, whatever the pattern: no pattern of a schema can stop the server
 * (RE2; look-around and back-references do not exist there).
 *
 * @throws Error that says what is wrong with the pattern
 */
export function compileLinearPattern(source: string, budget: PatternBudget): LinearPattern {
  if (source.length > MAX_PATTERN_CHARACTERS) {
    throw new Error(`a pattern has at most ${MAX_PATTERN_CHARACTERS} characters`);
  }
  const pattern = RE2JS.compile(RE2JS.translateRegExp(source));
  const states = pattern.programSize();
  if (states > MAX_PATTERN_STATES) throw new Error("the pattern is too large: use smaller counts in its repetitions");
  return {
    test(text) {
      budget.stepsLeft -= (text.length + 1) * states;
      if (budget.stepsLeft < 0) throw new PatternBudgetSpent();
      return pattern.matcher(text).find();
    },
    toString: () => source,
  };
}
