/** The page's own script: finding, filtering and focusing. Without it the page can still be read and printed. */
import type { GraphData } from "../graph-data.ts";
import { startTheme } from "./theme.ts";
import { startViewer } from "./viewer.ts";

function start(): void {
  const theme = document.getElementById("theme");
  if (theme instanceof HTMLButtonElement) startTheme(theme);
  const viewer = document.getElementById("viewer");
  const data = document.getElementById("graph-data")?.textContent;
  if (viewer !== null && data) startViewer(viewer, JSON.parse(data) as GraphData);
  document.documentElement.dataset.ready = "true";
}

start();
