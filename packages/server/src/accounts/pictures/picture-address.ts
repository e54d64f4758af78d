export const PICTURES_PATH = "/api/v1/pictures";

/** Of a picture, at this server; null where there is none. */
export function pictureAddress(pictureId: string | null): string | null {
  return pictureId === null ? null : `${PICTURES_PATH}/${pictureId}`;
}
