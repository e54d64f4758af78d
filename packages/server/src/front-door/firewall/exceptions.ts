import type { FirewallException } from "@aerostack/contracts";
import { seenPath } from "../../kernel/seen-path.ts";
import type { Hit } from "../waf/engine.ts";

function isBelow(path: string, prefix: string): boolean {
  if (!path.startsWith(prefix)) return false;
  return path.length === prefix.length || prefix.endsWith("/") || path[prefix.length] === "/";
}

function fits({ rule, pathPrefix, parameter }: FirewallException, hit: Hit, paths: readonly string[]): boolean {
  return (
    (rule === null || rule === hit.rule.id) &&
    (parameter === null || parameter === hit.parameter) &&
    (pathPrefix === null || paths.every((path) => isBelow(path, pathPrefix)))
  );
}

/**
 * The hits that count. An exception's path must fit both as it was sent, which decides who is asked, and as it will be
 * seen: otherwise dots in it would carry an attack past the firewall.
 *
 * @param url the request's target, with or without a query
 */
export function withoutExceptions(
  hits: readonly Hit[],
  url: string,
  exceptions: readonly FirewallException[],
): readonly Hit[] {
  if (exceptions.length === 0) return hits;
  const mark = url.indexOf("?");
  const paths = [mark === -1 ? url : url.slice(0, mark), seenPath(url)];
  return hits.filter((hit) => !exceptions.some((exception) => fits(exception, hit, paths)));
}
