/** An element's content: text, elements by name (one of a list each), or nothing. A name may be followed by attributes. */
export type XmlContent = string | number | boolean | XmlElements | undefined;
export interface XmlElements {
  readonly [name: string]: XmlContent | readonly XmlContent[];
}

const NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/";
// biome-ignore lint/suspicious/noControlCharactersInRegex: characters that XML has no other way to carry
const SPECIAL = /[&<>"\u0000-\u0008\u000b\u000c\u000d\u000e-\u001f\ufffe\uffff]/g;
const NAMED: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

export function escapeXml(text: string): string {
  return text.replace(SPECIAL, (character) => NAMED[character] ?? `&#x${character.charCodeAt(0).toString(16)};`);
}

/** A document of S3's namespace. */
export function xmlDocument(name: string, content: XmlElements, namespace: string = NAMESPACE): string {
  const attribute = namespace === "" ? "" : ` xmlns="${namespace}"`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${name}${attribute}>${render(content)}</${name}>`;
}

function render(content: XmlContent): string {
  if (content === undefined) return "";
  if (typeof content !== "object") return escapeXml(String(content));
  let xml = "";
  for (const [name, value] of Object.entries(content)) {
    if (value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) xml += `<${name}>${render(one)}</${name.split(" ")[0]}>`;
  }
  return xml;
}
