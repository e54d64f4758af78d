/**
 * What a column gives to TypeScript, by its declared type as SQLite reads one (section 3.1 of its page on datatypes). Blobs
 * come as lists of bytes, from D1 and the API alike.
 */
export function sqlType(declared: string): string {
  const type = declared.toUpperCase();
  if (type === "") return "unknown";
  if (/^BOOL/.test(type)) return "number";
  if (/^(?:DATE|TIME)/.test(type)) return "string | number";
  if (type === "JSON") return "string";
  if (type.includes("INT")) return "number";
  if (/CHAR|CLOB|TEXT/.test(type)) return "string";
  if (type.includes("BLOB")) return "number[]";
  if (/REAL|FLOA|DOUB|NUM|DEC/.test(type)) return "number";
  return "unknown";
}
