// How a line reads, the same whichever way it came: through the trusted worker or written by the function's own process.
// Nothing but ASCII here: the runtime takes the sources of its own modules for Latin-1.

export const MAX_MESSAGE_CHARACTERS = 16_384;
export const MAX_STACK_CHARACTERS = 8_192;
export const MAX_NAME_CHARACTERS = 256;

export function cut(text, limit) {
  return text.length <= limit ? text : `${text.slice(0, limit)}\u2026 (${text.length - limit} more characters)`;
}

/**
 * One line as the console prints it.
 *
 * @param first the first value where it is text, which may hold format specifiers; else null
 * @param texts every value as text
 */
export function formatLine(first, texts) {
  let rest = texts;
  let line = "";
  if (first !== null && texts.length > 1 && first.includes("%")) {
    let next = 1;
    line = first.replace(/%[sdifjoOc%]/g, (specifier) => {
      if (specifier === "%%") return "%";
      if (next >= texts.length) return specifier;
      const text = texts[next++];
      if (specifier === "%c") return "";
      if (specifier === "%d") return String(Number(text));
      if (specifier === "%i") return String(Number.parseInt(text, 10));
      if (specifier === "%f") return String(Number.parseFloat(text));
      return text;
    });
    rest = texts.slice(next);
    if (rest.length > 0) line += " ";
  }
  return cut(line + rest.join(" "), MAX_MESSAGE_CHARACTERS);
}

/** What a line's entry says of an exception. */
export function describeException(name, message, stack) {
  return {
    message: cut(`${name}: ${message}`, MAX_MESSAGE_CHARACTERS),
    exception: {
      name: cut(name, MAX_NAME_CHARACTERS),
      message: cut(message, MAX_MESSAGE_CHARACTERS),
      stack: stack ? cut(stack, MAX_STACK_CHARACTERS) : null,
    },
  };
}
