import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { type ParseError, parse as parseJsonc, printParseErrorCode } from "jsonc-parser";
import { parse as parseToml, TomlError } from "smol-toml";
import type { z } from "zod";
import { configError } from "../command/cli-error.ts";
import { type ConfigDocument, configDocumentSchema } from "./config-document.ts";

/** Reads aerostack.toml, wrangler.toml, wrangler.jsonc or wrangler.json, told by its ending, and checks its types. */
export async function readConfigFile(file: string): Promise<ConfigDocument> {
  const name = basename(file);
  const text = await readFile(file, "utf8");
  const raw = file.endsWith(".toml") ? readToml(text, name) : readJsonc(text, name);
  const parsed = configDocumentSchema.safeParse(raw);
  if (!parsed.success) throw configError(`${name}: ${describeIssue(parsed.error)}`, `Correct ${file}.`);
  return parsed.data;
}

function readToml(text: string, name: string): unknown {
  try {
    return parseToml(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const reason = error.message.split("\n")[0] ?? "";
    throw configError(
      `${name} is not valid TOML, line ${error.line}, column ${error.column}:\n${error.codeblock}`,
      reason,
    );
  }
}

function readJsonc(text: string, name: string): unknown {
  const errors: ParseError[] = [];
  const value: unknown = parseJsonc(text, errors, { allowTrailingComma: true });
  const first = errors[0];
  if (first !== undefined) {
    const before = text.slice(0, first.offset).split("\n");
    const column = (before.at(-1)?.length ?? 0) + 1;
    throw configError(
      `${name} is not valid JSON, line ${before.length}, column ${column}: ${printParseErrorCode(first.error)}.`,
    );
  }
  return value;
}

/** `d1_databases[0].binding: expected string, received number` */
export function describeIssue(error: z.ZodError): string {
  const issue = error.issues[0];
  if (issue === undefined) return "not valid";
  const path = issue.path.map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`)).join("");
  return `${path.replace(/^\./, "")}: ${issue.message.replace(/^Invalid input: /, "")}`;
}
