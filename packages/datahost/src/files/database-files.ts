import { existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { AerostackError } from "@aerostack/contracts/errors";
import { RESOURCE_NAME_PATTERN } from "@aerostack/contracts/resource-name";
import { deriveKey } from "@aerostack/kernel";

/** One SQLite file of a project. */
export interface DatabaseFile {
  readonly projectId: string;
  readonly database: string;
  readonly path: string;
  /** 32 bytes, of this file only. */
  readonly key: Buffer;
}

export interface DatabaseFiles {
  /** @throws AerostackError NOT_FOUND when nothing can have such a name. */
  locate(projectId: string, database: string): DatabaseFile;
  list(projectId: string): { name: string; sizeBytes: number }[];
  /** The database must be closed everywhere. */
  remove(file: DatabaseFile): void;
  removeProject(projectId: string): void;
}

const PROJECT_ID_PATTERN = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
const ENDING = ".sqlite";
const COMPANIONS = ["", "-wal", "-shm"];

/** Where databases lie: `<dataDir>/host/projects/<projectId>/db/<database>.sqlite`. */
export function createDatabaseFiles(dataDir: string, masterKey: Uint8Array): DatabaseFiles {
  const folderOf = (projectId: string) => {
    if (!PROJECT_ID_PATTERN.test(projectId)) throw new AerostackError("NOT_FOUND");
    return join(dataDir, "host", "projects", projectId, "db");
  };
  const pathOf = (projectId: string, database: string) => {
    if (!RESOURCE_NAME_PATTERN.test(database)) {
      throw new AerostackError("NOT_FOUND", {
        message: "There is no such database.",
        fix: "Use 1 to 63 lower-case letters, digits, '-' or '_' as a database's name.",
      });
    }
    return join(folderOf(projectId), database + ENDING);
  };
  return {
    locate(projectId, database) {
      const path = pathOf(projectId, database);
      return { projectId, database, path, key: deriveKey(masterKey, `projects/${projectId}/db/${database}`) };
    },
    list(projectId) {
      const folder = folderOf(projectId);
      if (!existsSync(folder)) return [];
      return readdirSync(folder)
        .filter((name) => name.endsWith(ENDING))
        .sort()
        .map((name) => ({ name: name.slice(0, -ENDING.length), sizeBytes: statSync(join(folder, name)).size }));
    },
    remove(file) {
      for (const companion of COMPANIONS) rmSync(file.path + companion, { force: true });
    },
    removeProject(projectId) {
      rmSync(folderOf(projectId), { recursive: true, force: true });
    },
  };
}
