import { mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "../../src/stores/list.ts";
import { storeSuite } from "./store-suite.ts";

storeSuite("file", async () => {
  const directory = await mkdtemp(join(tmpdir(), "store-file-"));
  const path = join(directory, "rollouts.json");
  const away = join(directory, "elsewhere.json");
  const document = async () => JSON.parse(await readFile(path, "utf8").catch(() => "{}")) as object;
  let saved = "";
  return {
    open: () => openStore(`file:${path}`, { table: "", region: "", warn: () => {} }),
    async seed(application, records) {
      await writeFile(path, JSON.stringify({ ...(await document()), [application]: records }));
    },
    async leave() {
      saved = await readFile(path, "utf8");
      await rename(path, away);
    },
    async spoil() {
      saved = await readFile(path, "utf8");
      await writeFile(path, saved.slice(0, -3));
    },
    recover: () => writeFile(path, saved),
    close: () => rm(directory, { recursive: true }),
  };
});
