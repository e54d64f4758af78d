import type { WorkerdModule } from "./workerd-config.ts";

/** A name that none of the function's own modules has. */
export function freeName(wanted: string, taken: ReadonlySet<string>): string {
  let name = wanted;
  while (taken.has(name)) name = `_${name}`;
  return name;
}

export function esModule(name: string, source: string): WorkerdModule {
  return { name, type: "esm", content: Buffer.from(source) };
}
