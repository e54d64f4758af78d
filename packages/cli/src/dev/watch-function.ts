import { type BuildResult, context as createBuildContext } from "esbuild";
import { BuildRecord, type Bundle, buildError, buildOptions } from "../bundler/bundle-function.ts";
import type { FunctionSource } from "../config/project-config.ts";

export interface WatchFunctionOptions {
  readonly source: FunctionSource;
  readonly directory: string;
  readonly onBundle: (bundle: Bundle) => void;
  readonly onError: (error: unknown) => void;
}

/** Bundles a function now and whenever a file that it is made of changes. */
export async function watchFunction(options: WatchFunctionOptions): Promise<{ dispose(): Promise<void> }> {
  const { source, directory, onBundle, onError } = options;
  const record = new BuildRecord(source);
  const settings = buildOptions(source, directory, { minify: false }, record, "");

  async function report(result: BuildResult): Promise<void> {
    if (result.errors.length > 0) {
      const { errors, warnings } = result;
      onError(await buildError(Object.assign(new Error("build failed"), { errors, warnings }), source));
    } else onBundle(await record.toBundle(result));
  }

  const context = await createBuildContext({
    ...settings,
    plugins: [
      {
        name: "report",
        setup(build) {
          build.onStart(() => record.clear());
          build.onEnd((result) => {
            report(result).catch(onError);
          });
        },
      },
      ...(settings.plugins ?? []),
    ],
  });
  await context.watch();
  return { dispose: () => context.dispose() };
}
