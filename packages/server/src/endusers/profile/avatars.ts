import { AerostackError } from "@aerostack/contracts";
import { type Clock, createId } from "@aerostack/kernel";

/** Where pictures lie: the project's own storage. */
export interface AvatarStorage {
  put(projectId: string, key: string, bytes: Uint8Array, contentType: string): Promise<void>;
  /** Null: there is none. */
  get(
    projectId: string,
    key: string,
  ): Promise<{ readonly content: ReadableStream<Uint8Array>; readonly size: number } | null>;
  delete(projectId: string, key: string): Promise<void>;
}

/** Pictures of users. Each is made anew from its pixels: what else a file holds, such as where it was taken, is not kept. */
export interface Avatars {
  /** @throws UNSUPPORTED_MEDIA_TYPE for what is no picture */
  upload(
    projectId: string,
    userId: string,
    bytes: Uint8Array,
  ): Promise<{ readonly imageId: string; readonly url: string }>;
  /** The address of an uploaded picture; null when the user has no such one. */
  urlOf(projectId: string, userId: string, imageId: string): Promise<string | null>;
  open(projectId: string, userId: string, imageId: string): ReturnType<AvatarStorage["get"]>;
  /** Removes the picture behind an address, where it is one of ours and of this user. */
  remove(projectId: string, userId: string, url: string | null): Promise<void>;
}

export const AVATAR_CONTENT_TYPE = "image/webp";
const EDGE_PIXELS = 512;
/** A small file may unfold to a picture that fills the memory. */
const MAX_PIXELS = 50_000_000;

export interface AvatarsOptions {
  readonly clock: Clock;
  readonly storage: AvatarStorage;
  readonly authUrlOf: (projectId: string) => string;
}

export function createAvatars({ clock, storage, authUrlOf }: AvatarsOptions): Avatars {
  const keyOf = (userId: string, imageId: string): string => `avatars/${userId}/${imageId}.webp`;
  const addressOf = (projectId: string, userId: string, imageId: string): string =>
    `${authUrlOf(projectId)}/avatars/${userId}/${imageId}`;

  return {
    async upload(projectId, userId, bytes) {
      const picture = await redraw(bytes);
      const imageId = createId("img", clock.now());
      await storage.put(projectId, keyOf(userId, imageId), picture, AVATAR_CONTENT_TYPE);
      return { imageId, url: addressOf(projectId, userId, imageId) };
    },
    async urlOf(projectId, userId, imageId) {
      if (!isImageId(imageId)) return null;
      const found = await storage.get(projectId, keyOf(userId, imageId));
      await found?.content.cancel();
      return found === null ? null : addressOf(projectId, userId, imageId);
    },
    async open(projectId, userId, imageId) {
      return isImageId(imageId) ? await storage.get(projectId, keyOf(userId, imageId)) : null;
    },
    async remove(projectId, userId, url) {
      const prefix = addressOf(projectId, userId, "");
      if (url?.startsWith(prefix) !== true) return;
      const imageId = url.slice(prefix.length);
      if (isImageId(imageId)) await storage.delete(projectId, keyOf(userId, imageId));
    },
  };
}

function isImageId(text: string): boolean {
  return /^img_[0-9a-z]{26}$/.test(text);
}

async function redraw(bytes: Uint8Array): Promise<Uint8Array> {
  // The library is loaded by the first picture, not by the start.
  const { default: sharp } = await import("sharp");
  try {
    return await sharp(bytes, { limitInputPixels: MAX_PIXELS, failOn: "error" })
      .autoOrient()
      .resize(EDGE_PIXELS, EDGE_PIXELS, { fit: "cover" })
      .webp({ quality: 85 })
      .toBuffer();
  } catch (cause) {
    throw new AerostackError("UNSUPPORTED_MEDIA_TYPE", {
      message: "This is no picture that can be read.",
      fix: "Send a JPEG, PNG, WebP, GIF or AVIF of at most 50 megapixels.",
      cause,
    });
  }
}
