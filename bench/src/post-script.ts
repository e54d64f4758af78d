import { writeFile } from "node:fs/promises";
import { join } from "node:path";

/**
 * A script for wrk that posts the bodies in turn. Requests are made once, so that the load generator spends its time on
 * sending them.
 *
 * @returns its path
 */
export async function writePostScript(folder: string, name: string, bodies: readonly string[]): Promise<string> {
  const list = bodies.map((body) => `[==[${body}]==]`).join(",\n");
  const script = `local bodies = {\n${list}\n}
local requests, position = {}, 0
function init()
  for index, body in ipairs(bodies) do requests[index] = wrk.format("POST", nil, nil, body) end
end
function request()
  position = position % #requests + 1
  return requests[position]
end
`;
  const path = join(folder, `${name}.lua`);
  await writeFile(path, script);
  return path;
}
