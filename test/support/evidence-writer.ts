/** A process of its own that appends evidence: `bun evidence-writer.ts ADDRESS NAME TIMES`. */

import { openStore } from "../../src/stores/list.ts";

const [address = "", name = "", times = "1"] = process.argv.slice(2);
const store = await openStore(address, { table: "", region: "", environment: {}, warn: () => {} });
const log = { application: "website", key: "0123456789abcdef01234567" };
const signal = AbortSignal.timeout(20_000);
for (let append = 0; append < Number(times); append++) {
  await store.evidence?.append(log, [`${name} ${append}`], signal);
}
const news = await store.evidence?.read(log, undefined, signal);
await store.close();
console.log(`read ${news?.batches.length}`);
