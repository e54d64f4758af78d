import { readFileSync } from "node:fs";
import { commandsOf, shellBlocks } from "./shell-blocks.ts";

/** A fenced block of a guide. */
export interface GuideBlock {
  readonly language: string;
  /** `name=value` pairs behind the language; a bare word has an empty value. */
  readonly marks: Readonly<Record<string, string>>;
  readonly text: string;
  /** Line of the opening fence, from 1. */
  readonly line: number;
}

/** A whole program of a guide: the blocks marked `example=<name> file=<path>`, and what `json answer=<name>` says it answers. */
export interface GuideExample {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  readonly answer: unknown;
}

const FENCE = /^```([^\n`]*)\n([\s\S]*?)^```[ \t]*$/gm;

function readMarks(words: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    words.map((word) => {
      const at = word.indexOf("=");
      return at === -1 ? [word, ""] : [word.slice(0, at), word.slice(at + 1)];
    }),
  );
}

/** The fenced blocks of a Markdown text, in order. */
export function guideBlocks(markdown: string): GuideBlock[] {
  return [...markdown.matchAll(FENCE)].map((match) => {
    const [language = "", ...words] = (match[1] ?? "").trim().split(/\s+/);
    const line = markdown.slice(0, match.index).split("\n").length;
    return { language, marks: readMarks(words), text: match[2] ?? "", line };
  });
}

/** The programs of a guide, in order. */
export function guideExamples(markdown: string): GuideExample[] {
  const blocks = guideBlocks(markdown);
  const names = new Set(blocks.flatMap(({ marks }) => (marks.example === undefined ? [] : [marks.example])));
  return [...names].map((name) => {
    const answer = blocks.find(({ marks }) => marks.answer === name);
    return {
      name,
      files: Object.fromEntries(
        blocks
          .filter(({ marks }) => marks.example === name)
          .map(({ marks, text, line }) => {
            if (marks.file === undefined) throw new Error(`line ${line}: an example's block names no file`);
            return [marks.file, text];
          }),
      ),
      answer: answer === undefined ? undefined : JSON.parse(answer.text),
    };
  });
}

export interface GuideLink {
  readonly target: string;
  readonly line: number;
}

/** Links of a Markdown text that lead to files of the repository or to headings; code is left out. */
export function internalLinks(markdown: string): GuideLink[] {
  const prose = markdown
    .replace(FENCE, (block) => block.replace(/[^\n]/g, ""))
    .replace(/`[^`\n]*`/g, (code) => " ".repeat(code.length));
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map((match) => ({ target: match[1] ?? "", line: prose.slice(0, match.index).split("\n").length }))
    .filter(({ target }) => !/^[a-z]+:/i.test(target));
}

/** The anchors of a Markdown file's headings, as GitHub makes them. */
export function headingAnchors(file: string): ReadonlySet<string> {
  const text = readFileSync(file, "utf8").replace(FENCE, "");
  return new Set(
    [...text.matchAll(/^#{1,6} +(.+)$/gm)].map((match) =>
      (match[1] ?? "")
        .toLowerCase()
        .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
        .replace(/[^\p{L}\p{N}\s_-]/gu, "")
        .trim()
        .replaceAll(/\s/g, "-"),
    ),
  );
}

/** The words of a simple command line: quotes are taken off, nothing is expanded. A `|`, `<`, `>`, `&&` or `;` is a word. */
function shellWords(command: string): string[] {
  const words = command.match(/(?:"[^"]*"|'[^']*'|\\.|[^\s"'|<>;&])+|\|\||&&|[|<>;&]/g) ?? [];
  return words.map((word) => word.replace(/"([^"]*)"|'([^']*)'/g, (_match, double, single) => double ?? single ?? ""));
}

const SEPARATORS: ReadonlySet<string> = new Set(["|", "||", "&&", ";", "&"]);

/** The `aerostack` command lines of a text's shell blocks: the words after `aerostack`, redirections left out. */
export function aerostackCommands(markdown: string): string[][] {
  return shellBlocks(markdown)
    .flatMap(commandsOf)
    .flatMap((command) => {
      const lines: string[][] = [[]];
      const words = shellWords(command);
      for (let at = 0; at < words.length; at++) {
        const word = words[at] ?? "";
        if (SEPARATORS.has(word)) lines.push([]);
        else if (word === "<" || word === ">") at++;
        else lines.at(-1)?.push(word);
      }
      return lines.flatMap((line) => {
        const rest = line.slice(line.findIndex((word) => !/^[A-Z_]+=/.test(word)));
        if (rest[0] === "npx" && rest[1] === "aerostack") return [rest.slice(2)];
        return rest[0] === "aerostack" ? [rest.slice(1)] : [];
      });
    });
}
