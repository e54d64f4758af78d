import { closeSync, fsyncSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";

const DIRECTORY_MODE = 0o700;

/** Makes a directory and those above it, each entered durably in its parent. */
export function makeDurableDirectory(path: string): void {
  const highest = mkdirSync(path, { recursive: true, mode: DIRECTORY_MODE });
  if (highest === undefined) return;
  for (let made = path; made.length >= highest.length; made = dirname(made)) syncDirectory(dirname(made));
}

/** Makes new names in a directory survive a power failure. */
export const syncDirectory = (path: string): void => sync(path, "r");

/** Makes a file's content survive a power failure. */
export const syncFile = (path: string): void => sync(path, "r+");

function sync(path: string, flags: "r" | "r+"): void {
  const descriptor = openSync(path, flags);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
