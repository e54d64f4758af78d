import { cp, mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** What stands for the project's name in a template's files. */
const NAME_MARK = "{{name}}";
/** npm leaves files of this name out of packages; a template keeps its own under another. */
const GITIGNORE = "gitignore";
const NAMED_FILES = ["aerostack.toml", "package.json", "README.md"];

/** Copies a template and writes the project's name into it. Answers the paths of its files, sorted. */
export async function copyTemplate(template: string, target: string, name: string): Promise<string[]> {
  await mkdir(target, { recursive: true });
  await cp(template, target, { recursive: true });
  await rename(join(target, GITIGNORE), join(target, ".gitignore"));
  for (const file of NAMED_FILES) {
    const path = join(target, file);
    await writeFile(path, (await readFile(path, "utf8")).replaceAll(NAME_MARK, name));
  }
  const entries = await readdir(template, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(template.length + 1))
    .map((path) => (path === GITIGNORE ? ".gitignore" : path))
    .sort();
}
