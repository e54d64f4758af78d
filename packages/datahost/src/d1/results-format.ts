/** How D1's client wants the rows. It asks for NONE in run(), and passes on what it gets: RETURNING needs the objects. */
export type ResultsFormat = "ARRAY_OF_OBJECTS" | "ROWS_AND_COLUMNS" | "NONE";

export function toResultsFormat(text: string | null): ResultsFormat {
  return text === "ROWS_AND_COLUMNS" || text === "NONE" ? text : "ARRAY_OF_OBJECTS";
}
