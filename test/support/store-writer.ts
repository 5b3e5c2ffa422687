/** A process of its own that adds to a counter through a store: `bun store-writer.ts ADDRESS TIMES`. */

import { openStore } from "../../src/stores/list.ts";

const [address = "", times = "1"] = process.argv.slice(2);
const store = await openStore(address, { table: "", region: "", environment: {}, warn: () => {} });
const signal = AbortSignal.timeout(20_000);
let lost = 0;
for (let won = 0; won < Number(times); ) {
  const current = (await store.read("website", signal)).get("canary");
  const value = current?.value as { rollout: number; count: number } | undefined;
  const fields = { rollout: 0.5, count: (value?.count ?? 0) + 1 };
  const written = await store.write?.("website", "canary", fields, current?.revision ?? null, signal);
  if (written?.ok) won++;
  else lost++;
}
await store.close();
console.log(`lost ${lost}`);
