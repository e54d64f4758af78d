const MAX_DECODES = 2;
const PERCENT = /%[\da-f]{2}/i;
/** Forms of `.`, `/`, `\`, `<`, `>`, `'` and `"` that are longer than UTF-8 allows; lenient decoders read them all the same. */
const OVERLONG = /%(?:c0|e0%80|f0%80%80)%([89ab][\da-f])|%c1%([89ab][\da-f])/gi;
const UNICODE_PERCENT = /%u([\da-f]{4})/gi;
const ESCAPES = /\\(?:u(?:\{0{0,4}([\da-f]{1,6})\}|([\da-f]{4}))|x([\da-f]{2}))/gi;
const ENTITY =
  /&(?:#x0{0,6}([\da-f]{1,6})|#0{0,6}(\d{1,7})|(lt|gt|quot|apos|amp|colon|lpar|rpar|tab|newline|sol|bsol|grave));?/gi;
const NAMED: Readonly<Record<string, string>> = {
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  amp: "&",
  colon: ":",
  lpar: "(",
  rpar: ")",
  tab: " ",
  newline: "\n",
  sol: "/",
  bsol: "\\",
  grave: "`",
};

function character(code: number): string {
  return code > 0x10_ffff || (code >= 0xd800 && code < 0xe000) ? "" : String.fromCodePoint(code);
}

function decodePercent(text: string): string {
  const whole = text
    .replace(OVERLONG, (_, low: string | undefined, high: string | undefined) =>
      character((Number.parseInt(low ?? high ?? "0", 16) & 0x3f) + (high === undefined ? 0 : 0x40)),
    )
    .replace(UNICODE_PERCENT, (_, hex: string) => character(Number.parseInt(hex, 16)));
  if (!PERCENT.test(whole)) return whole;
  try {
    return decodeURIComponent(whole);
  } catch {
    // Bytes that are no UTF-8 stand for themselves, as a lenient server would read them.
    return whole.replace(/%([\da-f]{2})/gi, (_, hex: string) => character(Number.parseInt(hex, 16)));
  }
}

/**
 * What an attacker means, whatever it was wrapped in: percent-encoding up to three times over, overlong UTF-8, `%u`, HTML
 * entities, escapes of JavaScript, full-width forms, comments of SQL, white space of any kind. Lower case.
 */
export function normalise(text: string): string {
  let seen = text;
  for (let round = 0; round <= MAX_DECODES && seen.includes("%"); round++) {
    const decoded = decodePercent(seen);
    if (decoded === seen) break;
    seen = decoded;
  }
  if (seen.includes("&")) {
    seen = seen.replace(ENTITY, (whole, hex?: string, decimal?: string, name?: string) => {
      if (name !== undefined) return NAMED[name.toLowerCase()] ?? whole;
      return character(hex === undefined ? Number(decimal) : Number.parseInt(hex, 16));
    });
  }
  if (seen.includes("\\")) {
    seen = seen.replace(ESCAPES, (_, braced?: string, four?: string, two?: string) =>
      character(Number.parseInt(braced ?? four ?? two ?? "0", 16)),
    );
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what is not ASCII may be another form of what is
  if (/[^\x00-\x7f]/.test(seen)) seen = seen.normalize("NFKC");
  seen = seen.toLowerCase();
  if (seen.includes("/*")) {
    seen = seen
      .replace(/\/\*!\d{0,6}/g, " ")
      .replace(/\/\*[^*]{0,200}\*\//g, " ")
      .replace(/\*\//g, " ");
  }
  return seen.replace(/[^\S\r\n]+/g, " ");
}
