import { fileURLToPath } from "node:url";

/** The chart that this package ships; the path is the same from tools/lib and from dist/lib. */
export const CHART_DIR = fileURLToPath(new URL("../../chart", import.meta.url));
