/** Whether the tests are also to run for which CI has no time (docs/proof/lab.md). */
export const SOAK = process.env.LAB_SOAK === "1";
