import { type HeldKey, LEASE_MS } from "@aerostack/datahost";
import type { Clock } from "@aerostack/kernel";

/**
 * Values that were read lately, answered again without asking the data host. It lends each for a few seconds and takes it
 * back before it answers a write of its key, so nobody reads what was there before a write that was answered.
 */
export interface HeldValues<Value> {
  /** Undefined: ask the data host. */
  find(projectId: string, key: HeldKey): Value | undefined;
  /** Before the data host is asked. @returns what keeps its answer, unless something was taken back meanwhile */
  begin(projectId: string, key: HeldKey): (found: FoundValue<Value>) => void;
  /** Null: everything of the project, or everything. */
  letGo(projectId: string | null, keys: readonly HeldKey[] | null): void;
}

export interface FoundValue<Value> {
  readonly value: Value;
  readonly expiresAtMs: number | null;
  /** Of its stored text. */
  readonly characters: number;
}

interface Held<Value> extends FoundValue<Value> {
  /** By the monotonic clock. */
  readonly untilMs: number;
}

/** Some 32 MB in the worst case: a character takes one byte or two. */
const MAX_CHARACTERS = 16 * 1024 * 1024;
/** What an entry takes beside its text. */
const ENTRY_CHARACTERS = 200;

export interface HeldValuesOptions {
  readonly clock: Clock;
  readonly monotonicMs: () => number;
}

export function createHeldValues<Value>({ clock, monotonicMs }: HeldValuesOptions): HeldValues<Value> {
  /** By project; within it the oldest first. */
  const projects = new Map<string, Map<HeldKey, Held<Value>>>();
  let characters = 0;
  /** Grows whenever something is taken back: what was asked for before may be old. */
  let epoch = 0;

  const weightOf = (held: Held<Value>): number => held.characters + ENTRY_CHARACTERS;

  function drop(projectId: string, key: HeldKey): void {
    const ofProject = projects.get(projectId);
    const held = ofProject?.get(key);
    if (ofProject === undefined || held === undefined) return;
    ofProject.delete(key);
    characters -= weightOf(held);
    if (ofProject.size === 0) projects.delete(projectId);
  }

  function dropProject(projectId: string): void {
    for (const held of projects.get(projectId)?.values() ?? []) characters -= weightOf(held);
    projects.delete(projectId);
  }

  return {
    find(projectId, key) {
      const held = projects.get(projectId)?.get(key);
      if (held === undefined) return undefined;
      if (monotonicMs() < held.untilMs && (held.expiresAtMs === null || clock.now() < held.expiresAtMs)) {
        return held.value;
      }
      drop(projectId, key);
      return undefined;
    },

    begin(projectId, key) {
      const asked = epoch;
      // The lease runs from before the question, so it ends here before it does there.
      const untilMs = monotonicMs() + LEASE_MS;
      return (found) => {
        if (asked !== epoch) return;
        const held = { ...found, untilMs };
        // Whatever is held comes back with the next question.
        if (characters + weightOf(held) > MAX_CHARACTERS) {
          projects.clear();
          characters = 0;
        }
        drop(projectId, key);
        const ofProject = projects.get(projectId) ?? new Map<HeldKey, Held<Value>>();
        projects.set(projectId, ofProject);
        ofProject.set(key, held);
        characters += weightOf(held);
      };
    },

    letGo(projectId, keys) {
      epoch++;
      if (projectId === null) {
        projects.clear();
        characters = 0;
      } else if (keys === null) dropProject(projectId);
      else for (const key of keys) drop(projectId, key);
    },
  };
}
