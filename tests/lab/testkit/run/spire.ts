/** Whether SPIRE is built, and the tests are also to run that move a mesh from it (docs/proof/lab.md). */
export const SPIRE = process.env.LAB_SPIRE === "1";
