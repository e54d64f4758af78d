/** The largest schema that is taken, as JSON text. */
export const MAX_SCHEMA_BYTES = 65_536;
export const MAX_SCHEMA_DEPTH = 16;
/**
 * Keywords and subschemas when every `$ref` is followed: what a value may have to be held against. Compiling that many takes
 * about a tenth of a second.
 */
export const MAX_SCHEMA_WEIGHT = 1_000;
/** Columns of a collection's table; a statement binds at most 100 values. */
export const MAX_PROPERTIES = 60;
export const MAX_ENUM_VALUES = 500;
export const MAX_PATTERN_CHARACTERS = 200;
/** States of a pattern's automaton; a counted repetition such as `{1,100}` is that many. */
export const MAX_PATTERN_STATES = 1_000;
/** Characters times states that the patterns may look at while one item is checked: a few hundred milliseconds at most. */
export const MAX_PATTERN_STEPS = 5_000_000;
/** Values times keywords that one item may cost to check. */
export const MAX_ITEM_CHECKS = 10_000_000;
export const MAX_ITEM_DEPTH = 32;
