// The process that unfolds pictures of strangers: what goes wrong in a decoder ends it and nothing else.
import sharp, { type Sharp } from "sharp";
import { type ImageAnswer, type ImageJob, type ImageOptions, MAX_SOURCE_PIXELS } from "./image-job.ts";

const TIMEOUT_SECONDS = 10;
/** Formats that have one meaning and no scripts, fonts or references to other files. */
const LOADERS = ["Jpeg", "Png", "Webp", "Heif", "Nsgif", "Tiff"].map((format) => `VipsForeignLoad${format}Buffer`);

sharp.cache(false);
sharp.concurrency(1);
sharp.block({ operation: ["VipsForeignLoad"] });
sharp.unblock({ operation: LOADERS });

function encode(image: Sharp, { format, quality }: ImageOptions): Sharp {
  switch (format) {
    case "jpeg":
      // JPEG knows no transparency.
      return image.flatten({ background: "#ffffff" }).jpeg({ quality, mozjpeg: true });
    case "png":
      return image.png({ compressionLevel: 6 });
    case "webp":
      return image.webp({ quality });
    case "avif":
      return image.avif({ quality, effort: 2 });
  }
}

async function resize({ id, source, options }: ImageJob): Promise<ImageAnswer> {
  try {
    const image = sharp(source, { limitInputPixels: MAX_SOURCE_PIXELS, failOn: "error", sequentialRead: true })
      .timeout({ seconds: TIMEOUT_SECONDS })
      .autoOrient()
      .resize({
        ...(options.width === undefined ? {} : { width: options.width }),
        ...(options.height === undefined ? {} : { height: options.height }),
        fit: options.fit,
        withoutEnlargement: options.enlarges !== true,
        background: { r: 0, g: 0, b: 0, alpha: 0 },
      });
    return { id, result: await encode(image, options).toBuffer() };
  } catch (error) {
    const isTooLarge = error instanceof Error && /exceeds pixel limit|timeout/i.test(error.message);
    return { id, refusal: isTooLarge ? "too-large" : "unreadable" };
  }
}

process.on("message", (job: ImageJob) => {
  void resize(job).then((answer) => process.send?.(answer));
});
process.on("disconnect", () => process.exit(0));
// A signal to the whole group is the server's to handle.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => {});
