// Puts a new master key in front of the ones in secrets.json: `npm run new-master-key`. The server uses it from its next
// start on, and then brings everything that is sealed under the older ones to it.
import { systemClock } from "@aerostack/kernel";
import { loadConfig } from "../src/kernel/config.ts";
import { addMasterKey } from "../src/kernel/secrets.ts";

const { dataDir } = loadConfig(process.env);
try {
  const { masterKeys } = addMasterKey(dataDir, systemClock);
  process.stdout.write(
    `${masterKeys[0].id} is the newest of ${masterKeys.length} master keys in ${dataDir}/secrets.json now.\n` +
      "Back the file up, then restart the server. Its log says when nothing is left under the older keys.\n",
  );
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
