// A program that uses the types of openapi-typescript; check-types.sh compiles it. It does not compile if the line
// after a @ts-expect-error has no type error.
import type { components, operations } from "./contract.js";

type Filter = components["schemas"]["Dynamics365.Model.Request.JobFilterModel"];
type Query = operations["listJobs"]["parameters"]["query"];
type Page = operations["getJobs"]["responses"]["200"]["content"]["application/json"];

export const filter: Filter = { pageInfo: { currentPage: 1, pageSize: 10 }, type: 32, status: 7 };
export const anyStatus: Filter = { ...filter, status: null, startTime: null, endTime: null, organizationId: null, objectType: null };
export const query: Query = { type: 0, startTime: "2026-11-01T00:00:00Z", finishTime: "2026-11-02T00:00:00Z" };

export function failed(page: Page): string[] {
  return page.jobs.filter((job) => job.status === 4).map((job) => `${job.jobId} ${job.backupSize ?? 0}`);
}

// @ts-expect-error pageInfo is required
export const withoutPage: Filter = { type: 1 };

// @ts-expect-error type is not nullable
export const nullType: Filter = { ...filter, type: null };

// @ts-expect-error 3 is not a type
export const unknownType: Query = { ...query, type: 3 };
