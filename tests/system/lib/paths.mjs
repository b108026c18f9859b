// Where things are, and folders that go away with their test.
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { onEnd } from "./cleanup.mjs";

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../..");
export const bin = process.env.HOMEOSTAT_BIN ?? path.join(root, "build/release/bin");

/// A new folder, removed when the test ends; kept when HOMEOSTAT_KEEP is set.
export function temporaryFolder(t, name) {
  const folder = mkdtempSync(path.join(os.tmpdir(), `homeostat-${name}-`));
  onEnd(t, () => process.env.HOMEOSTAT_KEEP || rmSync(folder, { recursive: true, force: true }));
  return folder;
}
