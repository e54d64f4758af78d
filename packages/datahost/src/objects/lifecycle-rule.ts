/** What becomes of a bucket's objects by themselves. Ages are in days; a rule without one of them leaves that alone. */
export interface LifecycleRule {
  readonly id: string;
  readonly isEnabled: boolean;
  /** Of the keys that it is about; empty for all. */
  readonly prefix: string;
  /** Objects are deleted this long after they were stored. */
  readonly expireAfterDays?: number | undefined;
  /** Uploads that were not completed are given up this long after they began. */
  readonly abortUploadsAfterDays?: number | undefined;
}

export const MAX_LIFECYCLE_RULES = 100;
export const MAX_LIFECYCLE_DAYS = 36_500;
