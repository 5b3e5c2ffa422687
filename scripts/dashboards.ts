/** A part of `npm run docs`: writes the dashboards of integrations/grafana from their tables. */

import { join } from "node:path";
import { dashboardFiles } from "./dashboards/dashboard.ts";

const ROOT = join(import.meta.dir, "..");

for (const [path, text] of Object.entries(dashboardFiles())) {
  const file = Bun.file(join(ROOT, path));
  if ((await file.exists()) && (await file.text()) === text) continue;
  await file.write(text);
  console.log(`wrote ${path}`);
}
