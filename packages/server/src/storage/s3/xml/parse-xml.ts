import { S3Error } from "../s3-error.ts";

/** An element of a request's body. Names are without their namespace's prefix. */
export interface XmlNode {
  readonly name: string;
  readonly text: string;
  readonly children: readonly XmlNode[];
}

const MAX_DEPTH = 10;
const MAX_NODES = 60_000;
const TOKEN =
  /<!--[\s\S]*?-->|<\?[\s\S]*?\?>|<!\[CDATA\[([\s\S]*?)\]\]>|<(\/?)([A-Za-z_][\w.:-]*)((?:\s+[\w.:-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>|([^<]+)/gy;
const ENTITY = /&(?:#x([0-9a-fA-F]{1,6})|#(\d{1,7})|(amp|lt|gt|quot|apos));|&/g;
const NAMED: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };
const MAX_CODE_POINT = 0x10ffff;

/**
 * Reads a small document of elements and text. There are no document types, so no entity stands for more than itself;
 * depth and number of elements are bounded.
 *
 * @throws S3Error MalformedXML
 */
export function parseXml(xml: string): XmlNode {
  const root: Building = { name: "", text: "", children: [] };
  const open: Building[] = [root];
  let nodes = 0;
  let position = 0;
  TOKEN.lastIndex = 0;
  for (const match of xml.replace(/^\ufeff/, "").matchAll(TOKEN)) {
    if (match.index !== position) throw malformed();
    position += match[0].length;
    const [, cdata, closing, name, , selfClosing, text] = match;
    const current = open.at(-1) ?? root;
    if (cdata !== undefined) current.text += cdata;
    else if (text !== undefined) {
      if (current === root && text.trim() !== "") throw malformed();
      current.text += decode(text);
    } else if (name !== undefined && closing === "/") {
      if (open.length === 1 || current.name !== localName(name)) throw malformed();
      open.pop();
    } else if (name !== undefined) {
      if (++nodes > MAX_NODES || open.length > MAX_DEPTH) throw malformed();
      const node: Building = { name: localName(name), text: "", children: [] };
      current.children.push(node);
      if (selfClosing !== "/") open.push(node);
    }
  }
  const [first, ...others] = root.children;
  const length = xml.startsWith("\ufeff") ? xml.length - 1 : xml.length;
  if (first === undefined || others.length > 0 || open.length !== 1 || position !== length) throw malformed();
  return first;
}

/** The document's root, which must have that name. @throws S3Error MalformedXML */
export function parseXmlOf(name: string, xml: string): XmlNode {
  const node = parseXml(xml);
  if (node.name !== name) throw malformed();
  return node;
}

export function childrenOf(node: XmlNode, name: string): XmlNode[] {
  return node.children.filter((child) => child.name === name);
}

export function textOf(node: XmlNode, name: string): string | undefined {
  return node.children.find((child) => child.name === name)?.text;
}

export function malformed(): S3Error {
  return new S3Error("MalformedXML");
}

interface Building {
  readonly name: string;
  text: string;
  readonly children: Building[];
}

function localName(name: string): string {
  return name.slice(name.indexOf(":") + 1);
}

function decode(text: string): string {
  if (!text.includes("&")) return text;
  return text.replace(ENTITY, (_all, hex?: string, decimal?: string, name?: string) => {
    if (name !== undefined) return NAMED[name] ?? "";
    const point = hex !== undefined ? Number.parseInt(hex, 16) : Number(decimal ?? Number.NaN);
    if (!(point > 0 && point <= MAX_CODE_POINT)) throw malformed();
    return String.fromCodePoint(point);
  });
}
