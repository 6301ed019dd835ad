import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { startCluster } from "../cluster/cluster.ts";

/** As SECURITY.md tells it: csync2 pushes with the key of the last group in csync2.cfg that has the file. */
test("a group's key is changed host by host, and at no step is anybody left out", async () => {
  const group = (name: string, key: string): string =>
    `group ${name} {\n host h1 h2 h3;\n key ${key};\n include /srv/data;\n auto younger;\n}\n`;
  const [old, renewed] = [group("web", "/etc/csync2.key"), group("web_2", "/etc/csync2.key_2")];
  const steps = [renewed + old, old + renewed, renewed].map((groups) => `nossl * *;\n${groups}`);
  const cluster = await startCluster({ cfg: `nossl * *;\n${old}` });
  try {
    const key = randomBytes(32).toString("hex");
    for (const host of cluster.hosts) {
      host.write("/etc/csync2.key_2", key, 0o600);
      await host.serve("inetd");
    }
    let file = 0;
    for (const cfg of steps) {
      for (const changed of cluster.hosts) {
        changed.write("/etc/csync2.cfg", cfg, 0o600);
        const other = cluster.hosts.find((host) => host !== changed) ?? changed;
        other.write(`/srv/data/${++file}`, "from another");
        const { stdout } = await changed.run("csync2rev --others --deadline 20 --json");
        const { peers } = JSON.parse(stdout) as { peers: { group: string; outcome: string }[] };
        // A key that the other host has not got yet opens nothing there.
        for (const { group, outcome } of peers)
          assert.ok(outcome === "caught-up" || (outcome === "unanswered" && group === "web_2"), stdout);
        changed.write(`/srv/data/${++file}`, "from the changed one");
        const pushed = await changed.csync2("-xr");
        assert.equal(pushed.code, 0, pushed.stderr);
        for (const host of cluster.hosts)
          assert.ok(host.tree().has(String(file)), `${host.name} lacks ${file}`);
        assert.ok(changed.tree().has(String(file - 1)));
      }
      for (const host of cluster.hosts)
        assert.equal((await host.run(["csync2rev", "--others", "-q"])).stdout, "", "the step is complete");
    }
    for (const host of cluster.hosts) host.remove("/etc/csync2.key");
    for (const host of cluster.hosts) assert.equal((await host.run("csync2rev --others -q")).stdout, "");
  } finally {
    await cluster.close();
  }
});
