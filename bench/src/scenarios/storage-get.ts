import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createDeveloper } from "../../../e2e/harness/developer.ts";
import { startBaseline } from "../baselines/start-baseline.ts";
import { compare } from "../comparison.ts";
import { loadSideBySide } from "../load-side-by-side.ts";
import { processTree } from "../process-tree.ts";
import type { Scenario, ScenarioContext } from "../scenario.ts";
import { startServerUnderTest } from "../server-under-test.ts";

const OBJECT_BYTES = 1024 * 1024;
const FILE = "object.bin";
/** Share of the rate at which nginx sends the same bytes from the page cache: encryption, access and the log included. */
const OF_NGINX = 0.3;

/** (g) Reading a public object of 1 MB that is read all the time, against nginx that sends a file. */
export const storageGet: Scenario = {
  name: "storage-get",
  title: "Reading a public object of 1 MB",
  needsWrk: true,
  async run(context) {
    const content = randomBytes(OBJECT_BYTES);
    const server = await startServerUnderTest(context);
    const ours = await publish(server, content);
    const nginx = context.resources.use(await startBaseline("nginx.ts", [...fileFolders(context, content)]));
    const theirs = `${nginx.url}/${FILE}`;
    for (const url of [ours, theirs]) {
      const answer = Buffer.from(await (await fetch(url)).arrayBuffer());
      if (!answer.equals(content)) throw new Error(`${url} does not answer the object.`);
    }
    const [platform, baseline] = await loadSideBySide(context, [
      { name: "platform", target: { url: ours }, processes: () => processTree(server.pid) },
      { name: "nginx", target: { url: theirs }, processes: () => processTree(nginx.pid) },
    ]);
    return [
      compare({
        id: "storage-get/nginx",
        title: "GET of a public object of 1 MB, against nginx serving the file",
        unit: "requests/s",
        ours: platform,
        baseline,
        target: { of: "ratio", is: "at least", limit: OF_NGINX },
      }),
    ];
  },
};

async function publish(server: { readonly url: string }, content: Buffer<ArrayBuffer>): Promise<string> {
  const developer = await createDeveloper(server);
  const project = await developer.createProject("bench");
  const { secret } = await developer.createKey(project);
  const form = new FormData();
  form.set("key", FILE);
  form.set("file", new Blob([content]));
  const answer = await fetch(`${server.url}/v1/storage/upload`, {
    method: "POST",
    headers: { "x-aerostack-key": secret },
    body: form,
  });
  return ((await answer.json()) as { url: string }).url;
}

/** nginx gives its rights up when it is started as root, so that the way to the file must be open. */
function fileFolders({ scratchDir }: ScenarioContext, content: Buffer): readonly [files: string, own: string] {
  const files = join(scratchDir, "files");
  mkdirSync(files, { recursive: true });
  writeFileSync(join(files, FILE), content);
  chmodSync(scratchDir, 0o755);
  chmodSync(files, 0o755);
  return [files, join(scratchDir, "nginx")];
}
