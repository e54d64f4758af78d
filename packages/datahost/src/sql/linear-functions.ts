/**
 * Functions whose time is linear in their arguments and whose result is about as long as they are. Not among them: those
 * that build long values (replace, printf, hex, zeroblob, group_concat), and those that may take more than linear time
 * (like, glob, instr, trim with a set).
 */
const LINEAR_FUNCTIONS = new Set(
  `abs ceil ceiling floor round sign mod pow power sqrt exp ln log log10 log2 pi min max count sum total avg length
   octet_length lower upper typeof unicode substr substring random coalesce ifnull iif nullif likely unlikely likelihood
   date time datetime julianday unixepoch strftime timediff changes total_changes last_insert_rowid sqlite_version
   json json_valid json_type json_extract json_array_length -> ->> subtype`.split(/\s+/),
);
const TRIM_WITHOUT_SET = /^(?:trim|ltrim|rtrim)\(1\)$/i;

export function isLinearFunction(name: string): boolean {
  return LINEAR_FUNCTIONS.has(name);
}

/** @param call "name(argument count)", as in an instruction's P4. */
export function isTrimWithoutSet(call: string): boolean {
  return TRIM_WITHOUT_SET.test(call);
}
