import { z } from "zod";

// Answers whose shape is not one of the contracts': those of addresses that other clients of the platform use too.

/** For answers whose body says nothing that is needed. */
export const anything = z.unknown();

/** `GET /api/v1/cli/project-metadata`. */
export const projectMetadataAnswer = z.looseObject({
  projectId: z.string(),
  name: z.string().nullish(),
  slug: z.string().nullish(),
  hooks: z.array(z.looseObject({ slug: z.string() })).nullish(),
});

/** `GET /healthz`. */
export const healthAnswer = z.looseObject({ status: z.string(), version: z.string().nullish() });

/** RFC 8628, 3.5: what a device log-in answers until it is approved. */
export const devicePendingAnswer = z.looseObject({ error: z.string() });
