import { AerostackError, MAX_TOPIC_CHARACTERS } from "@aerostack/contracts";

/** A project as topics name it. */
export interface TopicProject {
  readonly id: string;
  readonly slug: string;
}

export interface Topic {
  /** `<name>/<project id>`: what everybody who means the same topic shares. */
  readonly full: string;
  /** Without the project, such as `table/todos` or `room/lobby`. */
  readonly name: string;
  /** As the client calls it from here on: it finds its listeners by this very text. */
  readonly shown: string;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNFIT = /[\u0000-\u001f\u007f]|^\/|\/$|\/\//;

/**
 * What a client means by a topic. Clients name topics in full, with the project's slug instead of its id, with both (a
 * quirk of some clients' collections), or without the project; the last are told the full name, under which they look for
 * it then.
 *
 * @throws VALIDATION_ERROR
 */
export function readTopic(asked: string, { id, slug }: TopicProject): Topic {
  if (asked.length > MAX_TOPIC_CHARACTERS || UNFIT.test(asked)) {
    throw new AerostackError("VALIDATION_ERROR", {
      message: "A topic is words between slashes, such as 'room/lobby'.",
    });
  }
  let name = asked;
  const hasId = name.endsWith(`/${id}`);
  if (hasId) name = name.slice(0, -id.length - 1);
  const hasSlug = name.endsWith(`/${slug}`) && name !== `table/${slug}` && name !== `room/${slug}`;
  if (hasSlug) name = name.slice(0, -slug.length - 1);
  if (name === "" || name === id) {
    throw new AerostackError("VALIDATION_ERROR", { message: "A topic has a name in front of its project." });
  }
  const full = `${name}/${id}`;
  return { full, name, shown: hasId || hasSlug ? asked : full };
}

/** The table whose rows a topic is about, or null. */
export function tableOf({ name }: Pick<Topic, "name">): string | null {
  return name.startsWith("table/") ? name.slice("table/".length) : null;
}
