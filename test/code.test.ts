import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { describe, test } from "node:test";

// Among the tests and not before them: they compute while other tests wait.
describe("the code itself", () => {
  for (const script of ["typecheck", "lint"])
    test(`npm run ${script} has nothing to say`, async () => {
      const said = await new Promise<string>((resolve) => {
        execFile("npm", ["run", "--silent", script], (error, stdout, stderr) => {
          resolve(`${stdout}${stderr}${error === null ? "" : `exit ${String(error.code)}`}`);
        });
      });
      assert.equal(said, "");
    });
});
